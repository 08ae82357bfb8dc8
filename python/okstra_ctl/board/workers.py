"""Each worker's state, from the run's roster and its events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..status import RunStatus
from .state import RUNNING, STOPPED, WAITING, WRITTEN, WorkerView

Event = Mapping[str, Any]


def workers_of(
    roster: object, events: Sequence[Event], status: str, written: Collection[str] = ()
) -> tuple[WorkerView, ...]:
    """The workers in the roster's order. `status` is the run's; `written` names those whose own result is on disk."""
    turns = _last_turns(events)
    rows = [row for row in roster if isinstance(row, Mapping)] if isinstance(roster, list) else []
    return tuple(_worker(row, turns.get(str(row.get("id")), []), status, written) for row in rows)


def _last_turns(events: Sequence[Event]) -> dict[str, list[Event]]:
    """By worker: the event that began its last turn, and the one that ended it, if it has ended."""
    turns: dict[str, list[Event]] = {}
    for row in events:
        worker = str(row.get("worker"))
        if row.get("event") == "dispatched":
            turns[worker] = [row]
        elif row.get("event") == "ended" and worker in turns:
            turns[worker] = [turns[worker][0], row]
    return turns


def _worker(row: Mapping[str, Any], turn: list[Event], status: str, written: Collection[str]) -> WorkerView:
    def told(name: str) -> str:
        return str(row.get(name) or "")

    view = WorkerView(told("id"), told("role"), told("provider"), told("model"), WAITING)
    if not turn:
        return view._replace(state=WRITTEN) if view.worker in written else view
    begun, last = turn[0], turn[-1]
    view = view._replace(
        label=str(begun.get("label") or ""), attempt=_count(begun.get("attempt")), since=str(last.get("at") or "")
    )
    if len(turn) == 1:
        return view._replace(state=RUNNING if status == RunStatus.RUNNING else STOPPED)
    seconds = last.get("seconds")
    return view._replace(
        state=str(last.get("outcome") or ""),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        answer=str(last.get("state") or ""),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1
