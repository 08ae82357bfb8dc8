"""Running a stage's exit check: in its own worktree before it is done, and on merged commits before they count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import FileIO
from typing import NamedTuple

from .. import git
from ..errors import Refused, WorkFailed
from ..git import merge
from ..plan.model import Stage
from ..runs.commands import CHECK_STARTED, in_shell, run_supervised_command, run_supervised_shell
from ..runs.containment import sandbox_of
from ..runs.find import KnownRun
from ..sandbox.choice import Containment
from ..services import Services
from ..system import files
from ..system.secrets import hide_in_log
from ..worktrees.unsaved import how_git_shows
from .select import DoneStage

EXIT_CHECK_SCHEMA = "exit-check/1"
EXIT_CHECK_LOG = "exit-check"
RunCheck = Callable[[str], int]
"""Runs a command, with its output in the run's log EXIT_CHECK_LOG; returns its exit status."""
Show = Callable[[str], None]
"""Shows a person what happens now."""


def silent(text: str) -> None:
    """Shows nothing."""


class DoneOverrides(NamedTuple):
    """A person's reasons to open a gate; with an empty one, the gate stays closed."""

    no_change: str = ""
    out_of_plan: str = ""
    overrule: str = ""
    """Why the stage counts though the run that okstra led did not pass its gates."""

    @property
    def note(self) -> str:
        return "; ".join(text for text in (self.no_change, self.out_of_plan) if text)


def supervised_check(run: KnownRun, services: Services) -> RunCheck:
    """For a person or an agent's session: supervised, so that an interrupted check does not run beside the next one."""

    def run_check(command: str) -> int:
        sandbox = sandbox_of(run.project.root, services)
        words = in_shell(command)
        return run_supervised_command(run, words, EXIT_CHECK_LOG, services, event=CHECK_STARTED, sandbox=sandbox).status

    return run_check


def run_exit_check(
    run: KnownRun, stage: Stage, head: str, options: DoneOverrides, run_check: RunCheck, notes: tuple[str, ...]
) -> None:
    log_path = run.files.log(EXIT_CHECK_LOG)
    status = run_check(stage.exit_check)
    hide_in_log(log_path)
    record = {
        "schema": EXIT_CHECK_SCHEMA,
        "command": stage.exit_check,
        "commit": head,
        "exit": status,
        "log": log_path,
        "reasons": options._asdict(),
    }
    files.replace_json(run.files.exit_check, record)
    if status != 0:
        raise WorkFailed(
            "exit-check-failed",
            "; ".join([f"the exit check `{stage.exit_check}` ended with {status}", *notes]),
            where=log_path,
            hint="fix the stage and call `okstra stage done` again; nothing was recorded as done",
        )


def check_unmoved(worktree: str, head: str) -> None:
    """The check counts for the commit it ran at: it may leave files, but not change what git tracks."""
    now = git.resolve(worktree, "HEAD")
    if now != head or git.tracked_changes(worktree):
        raise Refused(
            "head-moved",
            "commits or tracked files changed while the exit check ran",
            where=worktree,
            hint="call it again" + how_git_shows(worktree, git.dirty_files(worktree)),
        )


class Check(NamedTuple):
    """One exit check at one commit."""

    stage: int
    command: str
    status: int


class Link(NamedTuple):
    """One step of the merge chain: the stage, and the commit that has it and all before it."""

    done: DoneStage
    commit: str


class CheckRunner:
    """Runs exit checks in a scratch worktree; the log has everything they print."""

    def __init__(
        self,
        path: str,
        log: FileIO,
        log_path: str,
        task_key: str,
        services: Services,
        contained: Containment | None,
        show: Show,
    ) -> None:
        """`log` is the file at `log_path`, open for the headings between what the checks print."""
        self.path, self._log, self._log_path = path, log, log_path
        self._task_key, self._services, self._contained, self._show = task_key, services, contained, show

    def run(self, done: DoneStage, commit: str) -> Check:
        """The stage's exit check at that commit. Untracked files of an earlier check are deleted first."""
        git.switch_detached(self.path, commit)
        self._show(f"exit check of stage {done.stage}: `{done.exit_check}`")
        files.write_log(self._log, f"\n$ {done.exit_check}    (stage {done.stage} at {commit[:12]})\n")
        status = run_supervised_shell(
            done.exit_check,
            name="exit-check",
            folder=self.path,
            log=self._log_path,
            services=self._services,
            run_id=self._task_key,
            contained=self._contained,
        )
        if status != 0:
            self._show(f"exit check of stage {done.stage} at {commit[:12]}: exit {status}; log: {self._log_path}")
        return Check(done.stage, done.exit_check, status)


def culprits(runner: CheckRunner, red: DoneStage, chain: Sequence[Link]) -> tuple[int, ...]:
    """The stage, or pair of stages, that makes the check fail: the first link at which it fails, and its partner.

    Returns one number when that stage alone is enough, two when it takes both; never none.
    """
    begin = next(index for index, link in enumerate(chain) if link.done.stage == red.stage)
    bringer = next((link for link in chain[begin:] if runner.run(red, link.commit).status != 0), chain[-1])
    if bringer.done.stage != red.stage:
        return (bringer.done.stage, red.stage)
    for link in chain[:begin]:
        if _red_together(runner, red, link.done):
            return (link.done.stage, red.stage)
    return (red.stage,)


def _red_together(runner: CheckRunner, red: DoneStage, other: DoneStage) -> bool:
    merged = merge.merge_tree(runner.path, red.commit, other.commit)
    if merged.conflicts:
        return False
    commit = merge.commit_merge(runner.path, merged.tree, [red.commit, other.commit], "okstra: a pair of stages, tried")
    return runner.run(red, commit).status != 0
