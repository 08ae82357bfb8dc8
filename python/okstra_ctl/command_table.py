"""Every command, in one table: help, reference pages and dispatch come from it.

A command's module is imported only when the command is called. To add a command, add a row here and a module in
`commands/` with `configure(parser)` and `execute(args, call)`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from .errors import Missing
from .services import Services, open_services

IN_NODE = (
    ("install", "put the runtime into okstra's home, skills and agents into Claude Code's"),
    ("uninstall", "take away what install put there; runs, worktrees and settings stay"),
)


class Command(NamedTuple):
    """`module` is the name in `commands/`; `group` is the heading it is listed under."""

    name: str
    module: str
    summary: str
    group: str


COMMANDS = (
    Command("setup", "setup", "register a project", "Projects"),
    Command("trust", "trust", "let the commands that the project's settings name be run", "Projects"),
    Command("check-project", "check_project", "check a project, with a remedy for each finding", "Projects"),
    Command("doctor", "doctor", "check this machine, and the providers' clients on it", "Projects"),
    Command("completion", "completion", "completion for bash, zsh and fish", "Projects"),
    Command("config", "config", "list, read and change settings", "Projects"),
    Command("memory", "memory", "keep notes across projects, and find them again", "Projects"),
    Command("brief", "brief", "make a task's brief, check one, show one", "Runs"),
    Command("run", "run", "run one phase, or prepare it (what okstra.sh calls)", "Runs"),
    Command("wizard", "wizard", "ask for a run's inputs, step by step, in JSON", "Runs"),
    Command("batch", "batch", "prepare or run several tasks, or all ready stages of a plan, side by side", "Runs"),
    Command("rerun", "rerun", "prepare the next run of a run's stage, in its worktree", "Runs"),
    Command("resume", "resume", "go on with a run that was stopped, or whose worker failed", "Runs"),
    Command("wait", "wait", "wait for a run's results or report; one JSON line for each change", "Runs"),
    Command("check", "check", "check what a worker wrote, what it cites, and a run's whole record", "Runs"),
    Command("report", "report", "regenerate a report's pages, check whether they are up to date, find reports", "Runs"),
    Command("worker", "worker", "run one worker of a run, for a lead that is a person's session", "Runs"),
    Command("guard", "guard", "check whether an agent's tool call or commit is within its run's rights", "Runs"),
    Command("status", "status", "what is in progress, the most urgent first, each with its next step", "Runs"),
    Command(
        "board", "board", "a live view: runs, stages as a graph, workers, cost; at a terminal, or as a page", "Runs"
    ),
    Command("schedule", "schedule", "the work left in the project's open tasks, in rounds", "Runs"),
    Command("projects", "projects", "list the projects that okstra has run in", "Projects"),
    Command("list", "list_runs", "list runs over all projects", "Runs"),
    Command("show", "show", "show one run", "Runs"),
    Command("open", "open", "open a run's or a task's report, or its folder", "Runs"),
    Command("history", "history", "a task's time line: runs, outcomes, stages, fix cycles", "Runs"),
    Command("time-summary", "time_summary", "how long runs took, by project, task, phase or day", "Runs"),
    Command("usage", "usage", "tokens and cost of a run, a task, or all tasks; unknown is shown as unknown", "Runs"),
    Command("error-log", "error_log", "list what went wrong in runs: failed workers, in their own words", "Runs"),
    Command("followups", "followups", "tasks that reports propose: list, create or dismiss them", "Runs"),
    Command("paths", "paths", "print the paths of a run, or of okstra itself", "Runs"),
    Command("plan", "plan", "check, show, approve or adopt a plan", "Plans and stages"),
    Command("stage", "stage", "list a plan's stages; record one as done; give one back", "Plans and stages"),
    Command(
        "integrate",
        "integrate",
        "merge done stages into the task branch, checked; or forecast conflicts",
        "Plans and stages",
    ),
    Command("handoff", "handoff", "push an accepted task, open its pull request: what you choose", "Plans and stages"),
    Command("worktree", "worktree", "list, look up, remove or restore worktrees", "Worktrees"),
    Command("reconcile", "reconcile", "find and repair what dead runs left; rebuild the registry", "Recovery"),
    Command("backfill", "backfill", "write done rows that are missing after a crash", "Recovery"),
    Command("gc", "gc", "remove worktrees that are proven safe to remove", "Worktrees"),
)


class Call(NamedTuple):
    """One call of a command: where it was started, and the services it may use."""

    start: str
    services: Services


def find(name: str) -> Command | None:
    return next((command for command in COMMANDS if command.name == name), None)


def load(command: Command) -> ModuleType:
    """Imports the command's module."""
    module: ModuleType = __import__(f"{__package__}.commands.{command.module}", fromlist=["configure"])
    return module


def open_call(project_root: str | None, environment: Mapping[str, str] | None = None) -> Call:
    """`project_root` is the value of --project-root; without it, the folder the command was started in.

    Raises Missing (`folder-gone`).
    """
    try:
        start = os.path.abspath(project_root or os.getcwd())
    except FileNotFoundError as error:
        raise Missing(
            "folder-gone",
            "the current directory does not exist any more",
            where=os.environ.get("PWD", ""),
            hint="go to a folder that exists (cd), then call it again",
        ) from error
    return Call(start, open_services(environment))
