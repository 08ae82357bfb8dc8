"""What nobody wants any more: tasks and runs that a person dropped, in one file of okstra's home.

It is the one place where that stands: lists ask it, and `okstra restore` takes a line out. Records, branches and claims
say nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..errors import OkstraError, Refused
from ..home_paths import HomePaths
from ..names import RunId, TaskKey
from ..quoting import okstra_command
from ..services import Services, ensure_home
from ..system import files
from ..system.locks import LockKind, locked

SCHEMA = "dropped/1"
_TASKS, _RUNS = "tasks", "runs"

Marks = dict[str, dict[str, object]]


class Dropped(NamedTuple):
    tasks: frozenset[str]
    runs: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.tasks or self.runs)

    def has(self, run_id: str) -> bool:
        """Whether the run was dropped, by itself or with its task."""
        if run_id in self.runs:
            return True
        try:
            return bool(self.tasks) and str(RunId.parse(run_id).task) in self.tasks
        except OkstraError:  # a row that somebody else wrote
            return False


def read_dropped(home: HomePaths) -> Dropped:
    """Raises Unreadable (`state-unreadable`)."""
    marks = _marks(home)
    return Dropped(frozenset(marks[_TASKS]), frozenset(marks[_RUNS]))


def mark(what: TaskKey | RunId, services: Services) -> None:
    """Raises Unreadable, WorkFailed (`write-failed`), Busy."""
    row: dict[str, object] = {"at": services.clock.now()}
    _change(services, lambda marks: marks[_section(what)].setdefault(str(what), row) is row)


def unmark(what: TaskKey | RunId, services: Services) -> bool:
    """Whether it was marked. Raises as `mark`."""
    return _change(services, lambda marks: marks[_section(what)].pop(str(what), None) is not None)


def require_wanted(what: TaskKey | RunId, services: Services) -> None:
    """Raises Refused (`task-dropped`)."""
    dropped = read_dropped(services.home)
    task = what if isinstance(what, TaskKey) else what.task
    named = task if str(task) in dropped.tasks else what if str(what) in dropped.runs else None
    if named is not None:
        hint = f"{okstra_command('restore', named)} brings it back"
        raise Refused("task-dropped", f"{named} was dropped", where=str(what), hint=hint)


def _section(what: TaskKey | RunId) -> str:
    return _TASKS if isinstance(what, TaskKey) else _RUNS


def _change(services: Services, change: Callable[[Marks], bool]) -> bool:
    """`change` returns whether there is anything to write."""
    ensure_home(services.home)
    with locked(LockKind.INDEX, services.home.dropped_lock):
        marks = _marks(services.home)
        changed = change(marks)
        if changed:
            files.replace_json(services.home.dropped, {"schema": SCHEMA, **marks})
    return changed


def _marks(home: HomePaths) -> Marks:
    document = files.read_json(home.dropped, SCHEMA) or {}
    found = {name: document.get(name) for name in (_TASKS, _RUNS)}
    return {name: dict(rows) if isinstance(rows, Mapping) else {} for name, rows in found.items()}
