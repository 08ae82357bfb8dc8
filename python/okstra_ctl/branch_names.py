"""The names of branches: of a task by its work category, of a stage by its number and epoch."""

from __future__ import annotations

from collections.abc import Container

from .names import TaskKey, branch_segment

CATEGORY_PREFIXES = {
    "feature": "feat",
    "bugfix": "fix",
    "refactor": "refactor",
    "ops": "ops",
    "improvement": "improve",
    "docs": "docs",
    "chore": "chore",
}
DEFAULT_CATEGORY = "feature"


def task_branch(category: str, key: TaskKey) -> str:
    """`<prefix>-<task-id-segment>`; `category` is a key of CATEGORY_PREFIXES."""
    return f"{CATEGORY_PREFIXES[category]}-{branch_segment(key.id_segment)}"


def category_of_branch(branch: str, key: TaskKey) -> str:
    """The work category that the task's branch was named by; empty when it was named otherwise."""
    return next((one for one in CATEGORY_PREFIXES if task_branch(one, key) == branch), "")


def task_branches(key: TaskKey) -> list[str]:
    """The branches that may be the task's, whatever category it was begun with."""
    return [task_branch(category, key) for category in CATEGORY_PREFIXES]


def stage_branch(of_task: str, stage: int, epoch: int, taken: Container[str] = ()) -> str:
    """`<task-branch>-s<N>`; where an earlier hold of the stage left that branch, the epoch tells them apart.

    On the first hold a branch of that name is somebody else's: the name stays, and creating it is refused.
    """
    name = f"{of_task}-s{stage}"
    return f"{name}-e{epoch}" if epoch > 1 and name in taken else name
