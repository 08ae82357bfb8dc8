"""The hierarchy of errors, their stable codes and exit statuses. Each says what is wrong, where, and what to try."""

from __future__ import annotations

from typing import NamedTuple

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_CHECK = 4
EXIT_UNREADABLE = 65
EXIT_MISSING = 69
EXIT_BUG = 70
EXIT_BUSY = 75
EXIT_INTERRUPTED = 130

EXIT_MEANINGS = {
    EXIT_OK: "done",
    EXIT_FAILED: "the work failed",
    EXIT_USAGE: "usage: the command line or a setting is wrong",
    EXIT_REFUSED: "refused: a gate is closed, or no stage is ready; the message says why",
    EXIT_CHECK: "a check found errors",
    EXIT_UNREADABLE: "a state file can't be read; the message names the repair",
    EXIT_MISSING: "something needed is missing; the message says what to install",
    EXIT_BUG: "a bug in okstra; the traceback is in the log that is named",
    EXIT_BUSY: "busy: who holds it, since when",
    EXIT_INTERRUPTED: "interrupted",
}


class ErrorCode(NamedTuple):
    """The exit status that a code maps to, and what the code means."""

    exit_status: int
    meaning: str


ERROR_CODES: dict[str, ErrorCode] = {
    # 1: the work failed
    "git-failed": ErrorCode(EXIT_FAILED, "git reported an error that has no code of its own"),
    "worktree-not-created": ErrorCode(EXIT_FAILED, "git could not make the worktree; what was begun is undone"),
    "worktree-gone": ErrorCode(EXIT_FAILED, "a worktree's folder disappeared while the command was using it"),
    "worktree-setup-failed": ErrorCode(EXIT_FAILED, "a `worktreeSetup` command failed in the new worktree"),
    "worktree-teardown-failed": ErrorCode(EXIT_FAILED, "a `worktreeTeardown` command failed; the worktree stays"),
    "submodule-failed": ErrorCode(EXIT_FAILED, "a submodule could not be initialised in the new worktree"),
    "sync-failed": ErrorCode(EXIT_FAILED, "an entry of the sync list could not be copied or linked"),
    "exit-check-failed": ErrorCode(EXIT_FAILED, "the stage's exit check did not end with status 0"),
    "stage-unproven": ErrorCode(EXIT_FAILED, "the stage's exit check does not need the stage's code to pass"),
    "sign-failed": ErrorCode(EXIT_FAILED, "ssh-keygen did not sign; its own message is shown"),
    "write-failed": ErrorCode(EXIT_FAILED, "a file could not be written; the old one is unchanged"),
    "output-failed": ErrorCode(EXIT_FAILED, "standard output could not be written; the command's changes were made"),
    "system-refused": ErrorCode(EXIT_FAILED, "the machine is short of open files, memory, processes or disk space"),
    "run-failed": ErrorCode(EXIT_FAILED, "a gate of the run failed or got no answer; the report says which"),
    "batch-failed": ErrorCode(EXIT_FAILED, "some runs of a batch were refused or failed; its data says which"),
    "wait-over": ErrorCode(EXIT_FAILED, "the timeout was reached, or a worker ended, before all results were there"),
    "integration-red": ErrorCode(EXIT_FAILED, "an exit check is red on the merged stages; nothing was merged"),
    "quarantine-refused": ErrorCode(EXIT_FAILED, "what a worker committed could not be taken out of its quarantine"),
    "worker-failed": ErrorCode(EXIT_FAILED, "a worker left no valid result; its log says why"),
    "fleet-unreachable": ErrorCode(EXIT_FAILED, "the fleet's scheduler does not answer, or refused a job"),
    "no-agent": ErrorCode(EXIT_FAILED, "no agent can be used on this machine; only the rehearsal works"),
    "notify-failed": ErrorCode(EXIT_FAILED, "a message to one of the URLs of `notify` was not taken"),
    "gh-failed": ErrorCode(EXIT_FAILED, "`gh` did not do, or did not say, what it was asked; its own words are shown"),
    # 2: usage
    "usage": ErrorCode(EXIT_USAGE, "the command line can't be read"),
    "input-missing": ErrorCode(
        EXIT_USAGE, "an input that the run needs is missing, and there is no terminal to ask at"
    ),
    "bad-identity": ErrorCode(EXIT_USAGE, "a project id, task group, task id, stage or run id is malformed"),
    "unknown-phase": ErrorCode(EXIT_USAGE, "no such task type"),
    "unknown-model": ErrorCode(EXIT_USAGE, "no such model, and not written `custom:<id>`"),
    "unknown-worker": ErrorCode(EXIT_USAGE, "the phase does not take this worker or provider"),
    "bad-config": ErrorCode(EXIT_USAGE, "a setting in project.json, config.json or the environment is invalid"),
    "unknown-setting": ErrorCode(EXIT_USAGE, "config.json or project.json has no setting of that name"),
    "bad-sync-path": ErrorCode(EXIT_USAGE, "an entry of the sync list points outside the main worktree"),
    "request-missing": ErrorCode(EXIT_USAGE, "there is no request: no brief, or one that is empty or not text"),
    "task-ambiguous": ErrorCode(EXIT_USAGE, "a short name stands for several tasks; each is named"),
    "task-unknown": ErrorCode(EXIT_USAGE, "no such task; tasks with a similar key are suggested"),
    "not-found": ErrorCode(EXIT_USAGE, "no such run, task, stage, plan or file"),
    "answers-invalid": ErrorCode(
        EXIT_USAGE, "the file of --clarification-response holds no answers to this task's questions"
    ),
    "nothing-to-review": ErrorCode(EXIT_USAGE, "the change that is to be reviewed changes no file"),
    "bad-ref": ErrorCode(EXIT_USAGE, "a git ref or commit does not exist"),
    # 3: refused
    "not-confirmed": ErrorCode(EXIT_REFUSED, "the person at the terminal said no"),
    "no-stage-ready": ErrorCode(EXIT_REFUSED, "no stage of the plan can be started now; the message says why for each"),
    "input-open": ErrorCode(EXIT_REFUSED, "the wizard has questions that are not answered yet"),
    "guard-refused": ErrorCode(EXIT_REFUSED, "the run's rules forbid what an agent was about to do"),
    "worker-may-not": ErrorCode(EXIT_REFUSED, "a worker called a command that changes what okstra keeps"),
    "run-is-led": ErrorCode(EXIT_REFUSED, "another process leads the run"),
    "gates-not-passed": ErrorCode(EXIT_REFUSED, "okstra led the stage's run, and not all of its gates passed"),
    "not-trusted": ErrorCode(EXIT_REFUSED, "the project's settings run commands that nobody has trusted"),
    "sandbox-missing": ErrorCode(EXIT_REFUSED, "workers are to be contained, and no sandbox can start here"),
    "run-ended": ErrorCode(EXIT_REFUSED, "the run is completed: there is nothing to resume"),
    "no-port-free": ErrorCode(EXIT_FAILED, "every port that a worktree may have is taken"),
    "budget-spent": ErrorCode(EXIT_REFUSED, "the run has spent its budget; it can be resumed with a larger one"),
    "quorum-unreachable": ErrorCode(EXIT_REFUSED, "the run has too few workers to reach its quorum"),
    "task-dropped": ErrorCode(EXIT_REFUSED, "the task or run was dropped; `okstra restore` brings it back"),
    "nothing-chosen": ErrorCode(EXIT_REFUSED, "no step of the hand-off was chosen; nothing was done"),
    "not-next": ErrorCode(EXIT_REFUSED, "a flag asks for a step that does not come next; nothing was done"),
    "nothing-to-push": ErrorCode(EXIT_REFUSED, "the task has no branch of its own, or the repository no remote for it"),
    "hooks-changed": ErrorCode(EXIT_REFUSED, "git would run hooks from a task's tree that its base does not have"),
    "no-pull-request": ErrorCode(EXIT_REFUSED, "the task has no pull request"),
    "not-accepted": ErrorCode(EXIT_REFUSED, "no final verification has accepted the task"),
    "task-finished": ErrorCode(EXIT_REFUSED, "the task is finished; `--fix-cycle yes|no` says how to go on"),
    "follow-up-spawned": ErrorCode(EXIT_REFUSED, "the follow-up task already exists, under another key"),
    "stage-done": ErrorCode(EXIT_REFUSED, "the stage is already done"),
    "stage-blocked": ErrorCode(EXIT_REFUSED, "stages it depends on are not done"),
    "stage-unmerged": ErrorCode(EXIT_REFUSED, "stages it depends on are done but not merged into the task branch"),
    "stage-running": ErrorCode(EXIT_REFUSED, "a live run holds the stage"),
    "stage-reserved": ErrorCode(EXIT_REFUSED, "the stage is reserved by a run whose agent has not started"),
    "stage-interrupted": ErrorCode(EXIT_REFUSED, "the run that holds the stage died; it is neither ready nor lost"),
    "stage-failed": ErrorCode(
        EXIT_REFUSED, "the run that holds the stage failed, or broke its rules; it can be resumed"
    ),
    "stage-not-held": ErrorCode(EXIT_REFUSED, "the run does not hold the stage (any more)"),
    "stage-taken": ErrorCode(EXIT_REFUSED, "a run on another machine holds the stage, as the git remote has it"),
    "integration-taken": ErrorCode(EXIT_REFUSED, "a run on another machine merges the task's stages now"),
    "remote-refused": ErrorCode(
        EXIT_REFUSED, "the git remote did not take a change, though nobody else had made one; git's words say why"
    ),
    "plan-not-approved": ErrorCode(
        EXIT_REFUSED, "nobody is on record as having approved the plan, or a blocking question is open"
    ),
    "plan-changed": ErrorCode(EXIT_REFUSED, "the plan's stages are not those that were approved"),
    "plan-not-the-tasks": ErrorCode(EXIT_REFUSED, "the plan is not in the task's planning folder"),
    "worktree-dirty": ErrorCode(EXIT_REFUSED, "the worktree holds uncommitted or untracked files"),
    "no-commit": ErrorCode(EXIT_REFUSED, "the stage has no commit beyond its base"),
    "out-of-plan": ErrorCode(EXIT_REFUSED, "commits touch files that the plan does not name for the stage"),
    "head-moved": ErrorCode(EXIT_REFUSED, "the worktree's HEAD is not where the command needs it"),
    "commits-unreachable": ErrorCode(EXIT_REFUSED, "removing the worktree would leave commits on no branch"),
    "worktree-held": ErrorCode(EXIT_REFUSED, "a run still holds the worktree"),
    "worktree-foreign": ErrorCode(EXIT_REFUSED, "the folder is not among okstra's own worktrees; it was not touched"),
    "file-foreign": ErrorCode(EXIT_REFUSED, "a file that okstra did not write is in the way; it was not touched"),
    "branch-exists": ErrorCode(EXIT_REFUSED, "the branch that okstra would create already exists"),
    "branch-in-use": ErrorCode(EXIT_REFUSED, "another worktree, or the main checkout, has the branch checked out"),
    "name-taken": ErrorCode(EXIT_REFUSED, "another task has the same folder or branch"),
    "no-commits-yet": ErrorCode(EXIT_REFUSED, "the repository has no commit to base a worktree on"),
    "no-checkout": ErrorCode(EXIT_REFUSED, "git has no checkout here: the repository is bare, or set so by mistake"),
    "merge-conflict": ErrorCode(EXIT_REFUSED, "a stage's branch conflicts with the task branch; nothing was merged"),
    "signature-missing": ErrorCode(
        EXIT_REFUSED, "merge.verifySignatures is set, and a stage's commit has no valid signature; nothing was merged"
    ),
    "nothing-to-integrate": ErrorCode(EXIT_REFUSED, "no stage is done and not merged yet"),
    "run-alive": ErrorCode(EXIT_REFUSED, "a live process still drives the run"),
    "holds-secret": ErrorCode(EXIT_REFUSED, "the text contains a key or a password, which okstra does not store"),
    "project-exists": ErrorCode(EXIT_REFUSED, "the folder is registered under another project id"),
    "project-stands": ErrorCode(EXIT_REFUSED, "the project is still in the folder it is said to have been moved from"),
    "project-not-moved": ErrorCode(EXIT_REFUSED, "the repository is not the one that okstra's worktrees belong to"),
    "folder-unfit": ErrorCode(
        EXIT_REFUSED, "your home folder, a folder above it, and okstra's own home can't be projects"
    ),
    # 4: a check found errors
    "evidence-not-found": ErrorCode(
        EXIT_CHECK, "text that a finding cites is not in the repository at the run's commit"
    ),
    "evidence-contradicted": ErrorCode(EXIT_CHECK, "a command that a finding or verdict cites ended otherwise"),
    "result-invalid": ErrorCode(EXIT_CHECK, "a worker's result breaks rules; each is listed with its line"),
    "review-findings": ErrorCode(EXIT_CHECK, "a review has an open finding of severity high or critical"),
    "report-invalid": ErrorCode(EXIT_CHECK, "a report's data breaks its schema"),
    "report-stale": ErrorCode(EXIT_CHECK, "a report's page does not match its data"),
    "run-invalid": ErrorCode(EXIT_CHECK, "`okstra check run` found something wrong in a run's record; each is listed"),
    "seal-broken": ErrorCode(EXIT_CHECK, "something is not as it was sealed; each is listed"),
    "brief-incomplete": ErrorCode(EXIT_CHECK, "the brief lacks sections that the phases need; each is listed"),
    "plan-invalid": ErrorCode(EXIT_CHECK, "the plan breaks rules S1 to S11, or S13; each is listed with its line"),
    "project-unhealthy": ErrorCode(EXIT_CHECK, "`doctor` found something to fix in the project"),
    "machine-unhealthy": ErrorCode(EXIT_CHECK, "doctor found something that keeps okstra from working"),
    "left-to-do": ErrorCode(EXIT_CHECK, "reconcile found something that a person must decide, or that was not applied"),
    "remote-unfit": ErrorCode(EXIT_CHECK, "the git remote can't have claims; each step of the check says what failed"),
    # 65: a state file can't be read
    "registry-unreadable": ErrorCode(
        EXIT_UNREADABLE, "registry.json is damaged or of a newer version; it was not touched"
    ),
    "state-unreadable": ErrorCode(EXIT_UNREADABLE, "a file that okstra wrote is damaged or of a newer version"),
    "plan-unreadable": ErrorCode(EXIT_UNREADABLE, "the plan is not UTF-8 text or can't be opened"),
    "remote-unreadable": ErrorCode(
        EXIT_UNREADABLE, "what the git remote has for a task is damaged, too large, or of a newer version"
    ),
    "remote-rewound": ErrorCode(
        EXIT_UNREADABLE, "the git remote lost claims that were seen on it before; nothing is claimed"
    ),
    # 69: something needed is missing
    "remote-unreachable": ErrorCode(EXIT_MISSING, "the git remote of claims did not answer"),
    "git-missing": ErrorCode(EXIT_MISSING, "git is not on the PATH, or too old"),
    "home-not-writable": ErrorCode(EXIT_MISSING, "the okstra home can't be created or written"),
    "client-missing": ErrorCode(EXIT_MISSING, "a client that the run needs is missing, too old, or not logged in"),
    "gh-missing": ErrorCode(EXIT_MISSING, "`gh`, which opens pull requests, is missing or not logged in"),
    "folder-gone": ErrorCode(EXIT_MISSING, "the folder that the command was called in no longer exists"),
    "not-a-project": ErrorCode(EXIT_MISSING, "no `.okstra/project.json` here or in a parent folder"),
    "assets-missing": ErrorCode(EXIT_MISSING, "the installation lacks its prompts, templates or schemas"),
    "dependency-missing": ErrorCode(EXIT_MISSING, "a Python package that okstra needs is not installed"),
    # 70, 75, 130
    "internal-error": ErrorCode(EXIT_BUG, "a bug in okstra; the log named in `where` holds the traceback"),
    "busy": ErrorCode(EXIT_BUSY, "another process holds a lock for longer than the time limit"),
    "interrupted": ErrorCode(EXIT_INTERRUPTED, "stopped by Ctrl-C or another signal"),
}


def extra_hint(extra: str) -> str:
    """What to try where packages of an extra of pyproject.toml are not installed."""
    return f"okstra install --with {extra}; or pip install 'okstra[{extra}]' into the Python that `okstra doctor` names"


class OkstraError(Exception):
    """An error a user can act on.

    `code` is a word of `ERROR_CODES`; `where` names the file, line or thing; `hint` is what to try;
    `data` goes into the JSON output.
    """

    exit_status = EXIT_BUG

    def __init__(
        self, code: str, message: str, *, where: str = "", hint: str = "", data: dict[str, object] | None = None
    ) -> None:
        if ERROR_CODES[code].exit_status != self.exit_status:
            raise AssertionError(f"{code} does not belong to {type(self).__name__}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint
        self.data = data or {}

    def as_record(self) -> dict[str, str]:
        """The error as an entry of `errors` in the JSON output."""
        return {"code": self.code, "message": self.message, "where": self.where, "try": self.hint}


class WorkFailed(OkstraError):
    exit_status = EXIT_FAILED


class UsageError(OkstraError):
    exit_status = EXIT_USAGE


def bad_config(where: str, message: str, page: str = "docs/reference/settings.md") -> UsageError:
    """A setting is invalid; `page` of the documentation shows what goes there."""
    return UsageError("bad-config", message, where=where, hint=f"fix it; {page} shows what goes there")


class Refused(OkstraError):
    """A gate is closed: nothing was changed, and the message says why."""

    exit_status = EXIT_REFUSED


class CheckFailed(OkstraError):
    exit_status = EXIT_CHECK


class Unreadable(OkstraError):
    """A state file can't be read. It is never overwritten; the hint names the repair."""

    exit_status = EXIT_UNREADABLE


class Missing(OkstraError):
    exit_status = EXIT_MISSING


class InternalError(OkstraError):
    exit_status = EXIT_BUG


class Busy(OkstraError):
    exit_status = EXIT_BUSY


class Interrupted(OkstraError):
    exit_status = EXIT_INTERRUPTED
