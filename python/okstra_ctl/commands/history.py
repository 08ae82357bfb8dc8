"""A task's time line: its runs and their outcomes, its stages, its fix cycles, in the order of events."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, NamedTuple

from ..errors import OkstraError
from ..history.durations import seconds_between
from ..index.database import ENDED
from ..names import RunId, TaskKey
from ..options import add_task_key
from ..output import Reply, table, time_for_people
from ..paths import ProjectFiles, TaskFiles
from ..runs.find import roots_of_task
from ..services import Call, Services
from ..system.jsonl import read_rows
from ..tasks.catalog import task_unknown
from ..tasks.fix_cycles import Cycle, cycle_of, cycles_of
from ..tasks.records import read_manifest
from ..usage.tokens import duration_text


def _timeline_runs(events: tuple[Event, ...], cycles: tuple[Cycle, ...]) -> tuple[PastRun, ...]:
    """In the order in which they were first heard of."""
    lives: dict[str, list[Event]] = {}
    for event in events:
        lives.setdefault(event.run_id, []).append(event)
    return tuple(run for run_id, life in lives.items() if (run := _run(run_id, life, cycles)) is not None)


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "the task", required=True)
    parser.add_argument("--runs", action="store_true", help="a line for each run, not for each event")


def execute(args: Namespace, call: Call) -> Reply:
    key = TaskKey.parse(args.task_key)
    found = history_of(key, call.start, call.services)
    data = {
        "task_key": str(key),
        "task_root": found.root,
        "events": [event._asdict() for event in found.events],
        "runs": [run._asdict() for run in found.runs],
        "fix_cycles": [cycle._asdict() for cycle in found.cycles],
        "damaged_lines": list(found.damaged),
    }
    talk = (
        [f"lines of the time line that can't be parsed: {', '.join(map(str, found.damaged))}"] if found.damaged else []
    )
    if not found.events:
        return Reply(data, f"nothing has happened to {key} yet", talk)
    return Reply(data, _runs(key, found) if args.runs else _events(key, found), talk)


def _events(key: TaskKey, found: History) -> str:
    cycles = {run: cycle.id for cycle in found.cycles for run in cycle.runs}
    cells = [
        (time_for_people(event.at), event.event, _short(key, event.run_id), cycles.get(event.run_id, ""), event.note)
        for event in found.events
    ]
    return table(cells, ("when", "event", "run", "fix cycle", "note"))


def _times(run: PastRun) -> tuple[str, str]:
    return time_for_people(run.prepared_at), time_for_people(run.ended_at)


def _took(run: PastRun) -> str:
    return "" if run.seconds is None else duration_text(run.seconds)


def _short(key: TaskKey, run_id: str) -> str:
    return run_id.removeprefix(f"{key}/")


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
    return History(task.root, events, _timeline_runs(events, cycles), cycles, found.damaged)


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


def _runs(key: TaskKey, found: History) -> str:
    cells = [
        (
            _short(key, run.run_id),
            run.outcome or "open",
            *map(time_for_people, (run.prepared_at, run.ended_at)),
            _took(run),
            run.fix_cycle,
        )
        for run in found.runs
    ]
    return table(cells, ("run", "outcome", "prepared", "ended", "took", "fix cycle"))
