"""`okstra integrate --forecast`: which stages would conflict, pair by pair, touching no worktree (spec 3)."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from .. import git
from ..git import merge as merging
from ..services import Doors
from ..status import StageStatus
from .integrate import Subject
from .records import current_states
from .select import StageState

TASK_BRANCH = 0


class Pair(NamedTuple):
    """Two stages in work (0 is the task branch), and the paths in which they conflict."""

    first: int
    second: int
    conflicts: tuple[str, ...]


def forecast(subject: Subject, doors: Doors) -> list[Pair]:
    """Every pair of stages that have commits of their own and are not merged yet, and each with the task branch."""
    task = subject.claim.path
    heads = {TASK_BRANCH: git.resolve(task, "HEAD") or ""}
    for state in current_states(subject.plan, subject.stage_map, subject.key, doors):
        head = _head(state, subject)
        if head and not git.is_ancestor(task, head, heads[TASK_BRANCH]):
            heads[state.stage] = head
    return [
        Pair(first, second, merging.merge_tree(task, heads[first], heads[second]).conflicts)
        for first, second in combinations(heads, 2)
    ]


def _head(state: StageState, subject: Subject) -> str:
    """Where the stage's work stands: its branch while it is in work, its done commit afterwards."""
    if state.status is StageStatus.DONE:
        return state.head_commit
    return (git.branch_commit(subject.repository.top, state.branch) or "") if state.branch else ""
