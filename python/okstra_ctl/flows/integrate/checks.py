"""Running exit checks on merged commits, and finding out which stages bring a red one."""

from __future__ import annotations

from io import FileIO

from ...core.integration import DoneStage
from ...edges import fsio, git, merging, proc
from ...words.hints import Sequence
from ...words.records import Record


class Check(Record):
    """One exit check at one commit."""

    stage: int
    command: str
    status: int


class Link(Record):
    """One step of the merge chain: the stage, and the commit that has it and all before it."""

    done: DoneStage
    commit: str


class Bench:
    """A scratch worktree in which checks are run; its log holds everything they print."""

    def __init__(self, path: str, log: FileIO) -> None:
        self.path, self._log = path, log

    def run(self, done: DoneStage, commit: str) -> Check:
        """The stage's exit check at that commit. What an earlier check left untracked is cleared away."""
        git.switch_detached(self.path, commit)
        fsio.write_log(self._log, f"\n$ {done.exit_check}    (stage {done.stage} at {commit[:12]})\n")
        return Check(
            done.stage,
            done.exit_check,
            proc.run_shell(done.exit_check, cwd=self.path, log=self._log, env=git.users_environment()),
        )


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
