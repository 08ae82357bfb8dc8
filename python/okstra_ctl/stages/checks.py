"""Running exit checks on merged commits, and finding out which stages bring a red one."""

from __future__ import annotations

from collections.abc import Sequence
from io import FileIO
from typing import NamedTuple

from .. import git
from ..git import merge as merging
from ..runs.commands import hold_shell
from ..services import Doors
from ..system import files as fsio
from .integration import DoneStage


class Check(NamedTuple):
    """One exit check at one commit."""

    stage: int
    command: str
    status: int


class Link(NamedTuple):
    """One step of the merge chain: the stage, and the commit that has it and all before it."""

    done: DoneStage
    commit: str


class Bench:
    """A scratch worktree in which checks are run; its log holds everything they print."""

    def __init__(self, path: str, log: FileIO, log_path: str, task_key: str, doors: Doors) -> None:
        """`log` is the file at `log_path`, open for the headings between what the checks print."""
        self.path, self._log, self._log_path = path, log, log_path
        self._task_key, self._doors = task_key, doors

    def run(self, done: DoneStage, commit: str) -> Check:
        """The stage's exit check at that commit. What an earlier check left untracked is cleared away."""
        git.switch_detached(self.path, commit)
        fsio.write_log(self._log, f"\n$ {done.exit_check}    (stage {done.stage} at {commit[:12]})\n")
        status = hold_shell(
            done.exit_check,
            name="exit-check",
            folder=self.path,
            log=self._log_path,
            doors=self._doors,
            run_id=self._task_key,
        )
        return Check(done.stage, done.exit_check, status)


def culprits(bench: Bench, red: DoneStage, chain: Sequence[Link]) -> tuple[int, ...]:
    """The stage, or pair of stages, that turns the check red: the first link at which it is, and its partner.

    The answer has one number when that stage alone is enough, two when it takes both, and never none.
    """
    begin = next(index for index, link in enumerate(chain) if link.done.stage == red.stage)
    bringer = next((link for link in chain[begin:] if bench.run(red, link.commit).status != 0), chain[-1])
    if bringer.done.stage != red.stage:
        return (bringer.done.stage, red.stage)
    for link in chain[:begin]:
        if _red_together(bench, red, link.done):
            return (link.done.stage, red.stage)
    return (red.stage,)


def _red_together(bench: Bench, red: DoneStage, other: DoneStage) -> bool:
    merged = merging.merge_tree(bench.path, red.commit, other.commit)
    if merged.conflicts:
        return False
    commit = merging.commit_merge(
        bench.path, merged.tree, [red.commit, other.commit], "okstra: a pair of stages, tried"
    )
    return bench.run(red, commit).status != 0
