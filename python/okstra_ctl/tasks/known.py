"""Which tasks exist: an unknown key is an error wherever it is given, and similar keys are suggested."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

from ..errors import OkstraError, UsageError
from ..index import store as run_index
from ..names import PLANNING, RunId, TaskKey
from ..paths import ProjectFiles
from ..plan import store as plans
from ..quoting import okstra_command
from ..runs.find import roots_of_task
from ..services import Services
from ..settings.project import find_root
from . import catalog as task_catalog

_MOST, _LIKE = 3, 0.6


def require_task(text: str, start: str, services: Services) -> TaskKey:
    """The key of a task that okstra knows, even if only from the index. Raises UsageError (`bad-identity`,
    `task-unknown`)."""
    key = TaskKey.parse(text)
    for root in roots_of_task(key, start, services):
        if os.path.exists(ProjectFiles(root).task(key).manifest):
            return key
    prefix = f"{key}/"
    if any(row["run_id"].startswith(prefix) for row in run_index.newest_rows(services.home, run_index.EVERYTHING)):
        return key
    raise task_unknown(key, start, services)


def plan_of_task(text: str, start: str, services: Services) -> str:
    """The task's newest plan. Raises as `require_task`, and UsageError (`not-found`)."""
    key = require_task(text, start, services)
    for root in roots_of_task(key, start, services):
        plan = plans.latest(ProjectFiles(root).task(key))
        if plan is not None:
            return plan
    hint = okstra_command("run", "--task-key", key, "--task-type", PLANNING)
    raise UsageError("not-found", f"{key} has no plan", where=str(key), hint=hint)


def task_unknown(key: TaskKey, start: str, services: Services, *, more: str = "") -> UsageError:
    """`more`: what else to try, after the similar keys."""
    near = difflib.get_close_matches(str(key), sorted(set(_known_keys(key, start, services))), _MOST, _LIKE)
    hints = [f"did you mean {' or '.join(near)}?"] if near else []
    hints += [more or f"{okstra_command('list', '--all')} shows the runs, each with its task's key in front"]
    told = {"suggestions": near}
    return UsageError("task-unknown", f"there is no task {key}", where=start, hint="; ".join(hints), data=dict(told))


def _known_keys(key: TaskKey, start: str, services: Services) -> Iterator[str]:
    root = find_root(start, services)
    if root is not None:
        yield from task_catalog.entries(ProjectFiles(root))
    for row in run_index.newest_rows(services.home, run_index.EVERYTHING):
        try:
            yield str(RunId.parse(row["run_id"]).task)
        except OkstraError:  # a row that somebody else wrote
            continue
