"""Every command, in one table: help, reference pages and dispatch come from it.

A command's module is imported only when the command is called. To add a command, add a row here and a module in
`commands/` with `configure(parser)` and `execute(args, call)`.

Of each command and action it says whether it changes something, as workers may not call those that do. To change means
to write okstra's own state (runs, ledgers, the registry, worktrees, branches, plans, settings, notes, trust), to start
an agent's work, or to run a project's commands. A page written where the caller asked for it is no change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

IN_NODE = (
    ("install", "put the runtime into okstra's home, skills and agents into Claude Code's"),
    ("uninstall", "take away what install put there; runs, worktrees and settings stay"),
)


class Command(NamedTuple):
    """`module` is the name in `commands/`; `group` is the heading it is listed under.

    `alias_of`: the words that a person types today for what this earlier name does. A flag among them (`show --errors`)
    makes its command take this one's arguments; without one (`init`) the other command does this and more.
    """

    name: str
    module: str
    summary: str
    group: str
    alias_of: str = ""

    @property
    def shown_summary(self) -> str:
        return f"alias of {self.alias_of}: {self.summary}" if self.alias_of else self.summary

    @property
    def mode(self) -> tuple[str, str]:
        """The command and the flag by which this one is called today; both are empty where it is no such alias."""
        name, _, flag = self.alias_of.partition(" ")
        return (name, flag) if flag else ("", "")


# The headings of `okstra help`, in its order; those of REST and EARLIER stand in `okstra help all` only.
EVERY_DAY, MANY, PLANS = "Every day", "Many tasks at once", "Plans, stages, worktrees"
CARE, REST, EARLIER = "Looking after it", "Everything else", "Earlier names; they stay"

COMMANDS = (
    Command("init", "init", "set up this repository: find its tests, and your agents", EVERY_DAY),
    Command("demo", "demo", "play a whole task in a throw-away folder, without an account", EVERY_DAY),
    Command("run", "run", "start a task from a sentence, or its next phase", EVERY_DAY),
    Command("next", "next", "show where a task stands, and do its next step: one a call", EVERY_DAY),
    Command("board", "board", "watch what is at work: at the terminal, or as a page", EVERY_DAY),
    Command("show", "show", "what a task or a run found, decided and cost", EVERY_DAY),
    Command("diff", "diff", "what a task or a stage changed, by git", EVERY_DAY),
    Command("review", "review", "have a diff, what is staged, or a pull request cross-checked", EVERY_DAY),
    Command("open", "open", "open a report in the browser, or its folder", EVERY_DAY),
    Command("handoff", "handoff", "push an accepted task, open its pull request: what you choose", EVERY_DAY),
    Command("pr", "pr", "take a pull request's comments and red checks into a fix", EVERY_DAY),
    Command("resume", "resume", "go on with a run that was stopped, or whose worker failed", EVERY_DAY),
    Command("drop", "drop", "end what nobody wants any more; branches and records stay", EVERY_DAY),
    Command("work", "work", "work on a plan until it is done, or lead a list of runs", MANY),
    Command("remote", "remote", "agree with other machines, on a git remote, who works on what", MANY),
    Command("fleet", "fleet", "machines that stages are placed on: begin, start, look, end", MANY),
    Command("list", "list_runs", "runs of all projects", MANY),
    Command("status", "status", "what is in progress, the most urgent first", MANY),
    Command("history", "history", "a task's time line: runs, outcomes, stages, fix cycles", MANY),
    Command("usage", "usage", "tokens and cost of a run, a task, or all tasks", MANY),
    Command("followups", "followups", "tasks that reports propose: list, create or dismiss them", MANY),
    Command("plan", "plan", "begin, check, show, approve or adopt a plan", PLANS),
    Command("stage", "stage", "list a plan's stages; record, publish, or give one back", PLANS),
    Command("integrate", "integrate", "merge done stages into the task branch, checked", PLANS),
    Command("worktree", "worktree", "list, look up, remove or restore worktrees", PLANS),
    Command("restore", "restore", "bring a dropped task or run back", PLANS),
    Command("cd", "cd", "print a worktree's path; okcd of the completion goes there", PLANS),
    Command("brief", "brief", "make a task's brief, check one, show one", PLANS),
    Command("quota", "quota", "how much of each provider's windows is used, as its client says", CARE),
    Command("agents", "agents", "list the agents: installed, in need of a login, ready", CARE),
    Command("doctor", "doctor", "check this machine, its agents and the project, with remedies", CARE),
    Command("gc", "gc", "remove worktrees that are proven safe to remove", CARE),
    Command("reconcile", "reconcile", "find and repair what dead runs left", CARE),
    Command("config", "config", "list, read and change settings", CARE),
    Command("trust", "trust", "let the commands that the project's settings name be run", CARE),
    Command("check", "check", "check a result, its evidence, or a run's whole record", CARE),
    Command("completion", "completion", "completion for bash, zsh and fish", REST),
    Command("memory", "memory", "keep notes across projects, and find them again", REST),
    Command("wizard", "wizard", "ask for a run's inputs, step by step, in JSON", REST),
    Command("task", "task", "bring a task that machines share into this clone", REST),
    Command("notify", "notify", "send a test message to where the setting `notify` says", REST),
    Command("mcp", "mcp", "let an MCP client drive okstra, over standard input and output", REST),
    Command("wait", "wait", "wait for a run's results or report; one JSON line for each change", REST),
    Command("seal", "seal", "what ended runs left, by its digests: show, compare, sign", REST),
    Command("report", "report", "regenerate a report's pages, check whether they are up to date, find reports", REST),
    Command("worker", "worker", "run one worker of a run, for a lead that is a person's session", REST),
    Command("guard", "guard", "check whether an agent's tool call or commit is within its run's rights", REST),
    Command("projects", "projects", "list the projects that okstra has run in", REST),
    Command("paths", "paths", "print the paths of a run, or of okstra itself", REST),
    Command("setup", "setup", "register a project, and propose no settings", EARLIER, "init"),
    Command("check-project", "check_project", "check the project alone", EARLIER, "doctor --project"),
    Command("rerun", "rerun", "prepare the next run of a run's stage, in its worktree", EARLIER, "run --again"),
    Command("batch", "batch", "several runs, or all ready stages of a plan, side by side", EARLIER, "work --runs"),
    Command("schedule", "schedule", "the work left in all open tasks, in rounds", EARLIER, "next --all"),
    Command("error-log", "error_log", "what went wrong in runs, in the workers' own words", EARLIER, "show --errors"),
    Command(
        "time-summary", "time_summary", "how long runs took, by project, task, phase or day", EARLIER, "usage --time"
    ),
    Command("backfill", "backfill", "write done rows that are missing after a crash", EARLIER, "reconcile --done-rows"),
)


def find(name: str) -> Command | None:
    return next((command for command in COMMANDS if command.name == name), None)


def modes_of(name: str) -> dict[str, Command]:
    """The flags that make the command do what an earlier name does, each with that one."""
    return {command.mode[1]: command for command in COMMANDS if command.mode[0] == name}


def called_by(words: Sequence[str]) -> tuple[Command | None, list[str]]:
    """The command that a command line (without the program) calls, and its arguments: of `show --errors RUN` they are
    those of `error-log RUN`."""
    name, rest = (words[0] if words else ""), list(words[1:])
    modes, given = modes_of(name), rest[: rest.index("--")] if "--" in rest else rest
    flag = next((word for word in given if word in modes), "")
    if not flag:
        return find(name), rest
    rest.remove(flag)
    return modes[flag], rest


class Verb(NamedTuple):
    """`unless`: flags that make a changing command only read. `only_with`: flags without which it only reads."""

    changes: bool
    unless: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()

    def changes_with(self, args: object) -> bool:
        """`args`: the parsed flags, by their names."""
        if not self.changes or any(getattr(args, flag) for flag in self.unless):
            return False
        return not self.only_with or any(getattr(args, flag) for flag in self.only_with)

    def may_change(self, words: Sequence[str]) -> bool:
        """As `changes_with`, for the words of a command line that is not parsed."""
        given = {word.partition("=")[0] for word in words}
        if not self.changes or any(_flag(name) in given for name in self.unless):
            return False
        return not self.only_with or any(_flag(name) in given for name in self.only_with)


_READS = Verb(False)
_CHANGES = Verb(True)

VERBS: dict[str, Verb] = {
    "demo": _CHANGES,
    "init": _CHANGES,
    "setup": _CHANGES,
    "trust": Verb(True, unless=("show",)),
    "check-project": _READS,
    "agents": _READS,
    "doctor": _READS,
    "completion": _READS,
    "config list": _READS,
    "config get": _READS,
    "config set": _CHANGES,
    "config unset": _CHANGES,
    "notify test": _CHANGES,
    "remote use": _CHANGES,
    "remote check": _CHANGES,
    "remote show": _READS,
    "memory list": _READS,
    "memory show": _READS,
    "memory search": _READS,
    "memory add": _CHANGES,
    "memory remove": _CHANGES,
    "brief new": Verb(True, only_with=("task_key", "output")),
    "brief check": _READS,
    "brief show": _READS,
    "run": Verb(True, unless=("dry_run",)),
    "review": _CHANGES,
    "next": Verb(True, only_with=("yes", "approve", "push", "pr")),
    "wizard init": _CHANGES,
    "wizard step": _CHANGES,
    "wizard render-args": _READS,
    "wizard confirmation": _READS,
    "batch": Verb(True, unless=("dry_run",)),
    "work": _CHANGES,
    "mcp": _CHANGES,
    "fleet init": _CHANGES,
    "fleet up": _CHANGES,
    "fleet down": _CHANGES,
    "fleet status": _READS,
    "fleet logs": _READS,
    "fleet cancel": _CHANGES,
    "rerun": _CHANGES,
    "resume": _CHANGES,
    "wait": _READS,
    "check result": _READS,
    "check evidence": Verb(True, only_with=("execute",)),
    "check run": _READS,
    "seal show": _READS,
    "seal verify": _READS,
    "seal sign": _CHANGES,
    "report render": _CHANGES,
    "report views": _READS,
    "report find": _READS,
    "worker exec": _CHANGES,
    "guard tool": _READS,
    "guard commit": _READS,
    "guard verb": _READS,
    "status": _READS,
    "board": _READS,
    "schedule": _READS,
    "projects": _READS,
    "list": _READS,
    "show": _READS,
    "diff": _READS,
    "cd": _READS,
    "drop": _CHANGES,
    "restore": _CHANGES,
    "open": _READS,
    "history": _READS,
    "time-summary": _READS,
    "usage": _READS,
    "quota": _READS,
    "error-log": _READS,
    "followups list": _READS,
    "followups spawn": _CHANGES,
    "followups dismiss": _CHANGES,
    "paths": _READS,
    "plan new": _CHANGES,
    "plan check": _READS,
    "plan show": _READS,
    "plan approve": _CHANGES,
    "plan adopt": _CHANGES,
    "stage list": _READS,
    "stage done": _CHANGES,
    "stage release": _CHANGES,
    "stage publish": _CHANGES,
    "task fetch": _CHANGES,
    "integrate": Verb(True, unless=("forecast",)),
    "handoff": Verb(True, unless=("dry_run",)),
    "pr sync": _CHANGES,
    "worktree list": _READS,
    "worktree lookup": _READS,
    "worktree remove": _CHANGES,
    "worktree restore": _CHANGES,
    "reconcile": Verb(True, only_with=("apply", "rebuild", "publish")),
    "backfill": Verb(True, unless=("dry_run",)),
    "gc": Verb(True, unless=("dry_run",)),
    "install": Verb(True, unless=("dry_run",)),
    "uninstall": Verb(True, unless=("dry_run",)),
}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def verb_in(words: Sequence[str]) -> Verb:
    """The verb that a command line (without the program) calls, including its action."""
    command, rest = called_by(words)
    name = command.name if command else words[0] if words else ""
    return VERBS.get(" ".join([name, *rest[:1]])) or verb_of(name)


def verb_of(label: str) -> Verb:
    """A command that is not in the table counts as changing: a new one is refused to workers until it is classified."""
    return VERBS.get(label, _CHANGES)
