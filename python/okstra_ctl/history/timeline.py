"""A task's life, from its own records alone: what happened, run by run, and its fix cycles."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import OkstraError
from ..index.database import ENDED
from ..names import RunId, TaskKey
from ..paths import ProjectFiles, TaskFiles
from ..runs.find import roots_of_task
from ..services import Services
from ..system.jsonl import read_rows
from ..tasks.catalog import task_unknown
from ..tasks.fix_cycles import Cycle, cycle_of, cycles_of
from ..tasks.records import read_manifest
from .durations import seconds_between


class Event(NamedTuple):
    at: str
    event: str
    run_id: str
    note: str


class PastRun(NamedTuple):
    """One run of the task. `outcome` is empty while it is open, `seconds` None where a time is not known."""

    run_id: str
    task_type: str
    stage: int | None
    prepared_at: str
    ended_at: str
    outcome: str
    seconds: int | None
    fix_cycle: str


class History(NamedTuple):
    """`damaged` are the lines of the time line that are no rows."""

    root: str
    events: tuple[Event, ...]
    runs: tuple[PastRun, ...]
    cycles: tuple[Cycle, ...]
    damaged: tuple[int, ...]


def history_of(key: TaskKey, start: str, services: Services) -> History:
    """Raises UsageError (`not-found`), Unreadable."""
    task = find_task(key, start, services)
    found = read_rows(task.timeline)
    events = tuple(_event(row) for row in found.rows if row.get("v") == 1)
    cycles = tuple(cycles_of(task))
    return History(task.root, events, _runs(events, cycles), cycles, found.damaged)


def find_task(key: TaskKey, start: str, services: Services) -> TaskFiles:
    """Where the task's files are, from anywhere on the machine. Raises UsageError (`task-unknown`), Unreadable."""
    for root in roots_of_task(key, start, services):
        task = ProjectFiles(root).task(key)
        manifest = read_manifest(task)
        if manifest is not None and manifest.get("task_key") == str(key):
            return task
    raise task_unknown(key, start, services)


def _event(row: dict[str, Any]) -> Event:
    return Event(*(str(row.get(name) or "") for name in Event._fields))


def _runs(events: tuple[Event, ...], cycles: tuple[Cycle, ...]) -> tuple[PastRun, ...]:
    """In the order in which they were first heard of."""
    lives: dict[str, list[Event]] = {}
    for event in events:
        lives.setdefault(event.run_id, []).append(event)
    return tuple(run for run_id, life in lives.items() if (run := _run(run_id, life, cycles)) is not None)


def _run(run_id: str, life: list[Event], cycles: tuple[Cycle, ...]) -> PastRun | None:
    """None for events that name no run."""
    try:
        run = RunId.parse(run_id)
    except OkstraError:
        return None
    prepared = next((event.at for event in life if event.event == "prepared"), "")
    end = next((event for event in reversed(life) if event.event in ENDED), None)
    cycle = cycle_of(cycles, run_id)
    return PastRun(
        run_id,
        run.task_type,
        run.stage,
        prepared,
        end.at if end else "",
        ENDED[end.event] if end else "",
        seconds_between(prepared, end.at) if end else None,
        cycle.id if cycle else "",
    )
