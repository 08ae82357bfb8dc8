"""The task's worktree on a machine that merges stages, and has led no run of the task."""

from __future__ import annotations

import os

from ..names import IMPLEMENTATION, TaskKey
from ..runs.request import PrepareInputs
from ..services import Services
from ..worktrees import task as task_worktree
from .request import resolve


def ensure_merge_place(key: TaskKey, inputs: PrepareInputs, services: Services) -> None:
    """Makes it unless there is one. Raises as a run's preparation does."""
    if services.registry.read().task(key) is None:
        request = resolve(inputs, services, remember=True)
        log = os.path.join(request.task.run_dir(IMPLEMENTATION), "logs", "task-worktree-setup.log")
        task_worktree.ensure(request, services, log)
