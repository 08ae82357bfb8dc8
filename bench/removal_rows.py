"""Taking worktrees away, until the command returns: the deleting goes on behind okstra's."""

from __future__ import annotations

import time
from collections.abc import Callable

from families import BEHIND, Family
from measure import Row, row_of, seconds, settle
from scenes import TASK, Scene, scene

_ROUNDS = 4
_GOALS = {10_000: 0.3}


def remove(files: int) -> Row:
    def ours(place: Scene, number: int) -> None:
        place.okstra("worktree", "remove", f"{TASK}#stage-{number}")

    return _removal(files, ours)


def collect(files: int) -> Row:
    """Each call finds one worktree that is proven safe, and takes it."""

    def ours(place: Scene, number: int) -> None:
        if f"stage-{number}" not in place.okstra("gc"):
            raise SystemExit(f"gc did not remove the worktree of stage {number}")

    return _removal(files, ours)


def _removal(files: int, ours: Callable[[Scene, int], None]) -> Row:
    """One worktree a round and a side, made before its turn; the first round is not counted. A stage that goes on
    holds the task's own worktree."""
    place, pairs = scene(files), []
    place.plan(_ROUNDS + 2)
    place.take_stage()
    for number in range(2, _ROUNDS + 3):
        place.take_stage()
        place.okstra("stage", "done", "--run", f"{TASK}/implementation/stage-{number}/001", "--no-change", "bench")
        place.bare_add()
        settle()
        own = seconds(lambda number=number: ours(place, number))  # type: ignore[misc]
        time.sleep(BEHIND)  # the deleting that goes on behind must not slow git down
        settle()
        pairs.append((own, seconds(lambda number=number: place.bare_remove(number - 1))))  # type: ignore[misc]
    return row_of("", "", pairs[1:], goal=_GOALS.get(files))


FAMILIES = (
    Family("remove", "worktree remove", "git worktree remove --force", "files", remove, _GOALS),
    Family("gc", "gc that removes one worktree", "git worktree remove --force", "files", collect, _GOALS),
)
