"""Fix cycles on disk, `history/fix-cycles.jsonl`, and whether a run needs `--fix-cycle`.

A fix cycle is a finished task that was opened again, the runs of it, and the verification that closed it. A task is
finished once a final verification accepted it, or it was handed off. Its manifest says so (`finished_by`) until a run
begins work on it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import OkstraError, Refused
from ..names import HANDOFF, VERIFICATION, TaskKey, number_in
from ..paths import TaskFiles
from ..system import files
from ..system.jsonl import read_rows
from ..system.text import encode_line

YES, NO = "yes", "no"
_OPENED, _RUN, _CLOSED = "opened", "run", "closed"
_PREFIX = "fc-"


class Cycle(NamedTuple):
    """One fix cycle; `closed_by` is empty while it is open."""

    id: str
    opened_at: str
    runs: tuple[str, ...] = ()
    closed_by: str = ""
    closed_at: str = ""

    @property
    def is_open(self) -> bool:
        return not self.closed_by


class RunEvent(NamedTuple):
    """An event of a run. `fix_cycle` is its `--fix-cycle`; `finished`: its task was finished until then; `accepts`: the
    run is a final verification that accepted the task."""

    run_id: str
    at: str
    prepared: bool
    fix_cycle: str
    finished: bool
    accepts: bool


def fold(rows: Iterable[Mapping[str, Any]]) -> list[Cycle]:
    """The task's cycles, oldest first. Malformed rows are skipped."""
    cycles: dict[str, Cycle] = {}
    for row in rows:
        values = [row.get(name) for name in ("id", "event", "run_id", "at")]
        if row.get("v") != 1 or not all(isinstance(value, str) and value for value in values):
            continue
        name, event, run_id, at = map(str, values)
        if event not in (_OPENED, _RUN, _CLOSED):
            continue
        cycle = cycles.get(name, Cycle(name, at))
        if event == _RUN and run_id not in cycle.runs:
            cycle = cycle._replace(runs=(*cycle.runs, run_id))
        elif event == _CLOSED and cycle.is_open:
            cycle = cycle._replace(closed_by=run_id, closed_at=at)
        cycles[name] = cycle
    return list(cycles.values())


def open_cycle(cycles: Sequence[Cycle]) -> Cycle | None:
    return next((cycle for cycle in reversed(cycles) if cycle.is_open), None)


def cycle_of(cycles: Sequence[Cycle], run_id: str) -> Cycle | None:
    """The cycle that the run belongs to."""
    return next((cycle for cycle in cycles if run_id in cycle.runs), None)


def next_rows(cycles: Sequence[Cycle], what: RunEvent) -> list[dict[str, object]]:
    """The rows that the event adds; none when they are there already."""
    rows: list[dict[str, object]] = []
    current = open_cycle(cycles)
    name = current.id if current else ""
    known = cycle_of(cycles, what.run_id)
    begins = what.prepared and known is None
    if begins and current is None and what.finished and what.fix_cycle == YES:
        name = _next_id(cycles)
        rows.append(_row(name, _OPENED, what))
    if begins and name and what.fix_cycle != NO:
        rows.append(_row(name, _RUN, what))
    if current is not None and what.accepts and what.run_id in current.runs:
        rows.append(_row(name, _CLOSED, what))
    return rows


def must_be_asked(cycles: Sequence[Cycle], task_type: str, fix_cycle: str, *, finished: bool) -> bool:
    """Whether a run needs `--fix-cycle`: it begins work on a finished task, and no cycle is open."""
    begins = task_type not in (VERIFICATION, HANDOFF)
    return begins and finished and not fix_cycle and open_cycle(cycles) is None


def is_accepted(task_type: str, token: str, event: str) -> bool:
    return (task_type, token, event) == (VERIFICATION, "accepted", "completed")


def finished_by(before: str, run_id: str, task_type: str, event: str, token: str) -> str:
    """The run that finished the task, once the event is counted in; empty while the task goes on."""
    if is_accepted(task_type, token, event) or (task_type, token, event) == (HANDOFF, "handed-off", "completed"):
        return run_id
    begins = event == "prepared" and task_type not in (VERIFICATION, HANDOFF)
    not_accepted = event == "completed" and task_type == VERIFICATION
    return "" if begins or not_accepted else before


def _row(name: str, event: str, what: RunEvent) -> dict[str, object]:
    return {"v": 1, "id": name, "event": event, "at": what.at, "run_id": what.run_id}


def _next_id(cycles: Sequence[Cycle]) -> str:
    numbers = [number_in(cycle.id.removeprefix(_PREFIX)) or 0 for cycle in cycles]
    return f"{_PREFIX}{max(numbers, default=0) + 1:03d}"


def cycles_of(task: TaskFiles) -> list[Cycle]:
    """Raises Unreadable (`state-unreadable`)."""
    return fold(read_rows(task.fix_cycles).rows)


def record_event(task: TaskFiles, what: RunEvent) -> list[dict[str, object]]:
    """Appends the rows that the event adds, and returns them. Under the project's lock."""
    rows = next_rows(cycles_of(task), what)
    if rows:  # in one write: a kill leaves no cycle without its first run
        files.make_folder(os.path.dirname(task.fix_cycles))
        files.append_line(task.fix_cycles, b"".join(map(encode_line, rows)))
    return rows


def finished_task(task: TaskFiles, manifest: Mapping[str, object], task_type: str, fix_cycle: str) -> str:
    """The run that finished the task, if the next run needs `--fix-cycle`; else empty."""
    by = str(manifest.get("finished_by") or "")
    if not by or fix_cycle:  # no need to read the cycles
        return ""
    return by if must_be_asked(cycles_of(task), task_type, fix_cycle, finished=True) else ""


def unused_fix_cycle_warning(task: TaskFiles, run_id: str, fix_cycle: str) -> str:
    """A warning for `--fix-cycle yes` on a task that is not finished; else empty."""
    try:
        there = fix_cycle != YES or cycle_of(cycles_of(task), run_id) is not None
    except OkstraError as error:
        return f"the fix cycles can't be read: {error.message} ({error.where})"
    return "" if there else "--fix-cycle yes: the task is not finished, so there is no fix cycle to open"


def require_fix_cycle_choice(
    task: TaskFiles, key: TaskKey, manifest: Mapping[str, object], task_type: str, fix_cycle: str
) -> None:
    """Raises Refused (`task-finished`) for a run that begins work on a finished task without `--fix-cycle`."""
    by = finished_task(task, manifest, task_type, fix_cycle)
    if by:
        raise Refused(
            "task-finished",
            f"{key} is finished: {by}",
            where=task.manifest,
            hint="--fix-cycle yes reopens it, and records the runs until it is accepted as one fix cycle; "
            "--fix-cycle no goes on without one",
        )
