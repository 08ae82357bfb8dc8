"""Whether every worker that completed left what it was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..results.records import Problem
from .records import Fault, RunRecords, last_rows

_REPORT_WRITER = "report-writer"


class Left(NamedTuple):
    """What a worker left where its answer belongs; `problems` is None when there is no such file. `changed`: it is not
    what okstra took over when the worker ended."""

    path: str
    problems: list[Problem] | None
    changed: bool = False


Asked = tuple[str, str]
"""A worker, and the label of what it was asked."""


def check_workers(records: RunRecords, found: Mapping[Asked, Left]) -> list[Fault]:
    return [*_results(found), *(_open_dispatches(records) if records.ended else [])]


def awaited(records: RunRecords) -> list[Asked]:
    """Whose answer must be there: all that the events, or without any the report, tell as complete. The report's own
    data is another check's."""
    rows = last_rows(records.events)
    heard = {worker for worker, _ in rows}
    told = records.report["execution"] if records.report else []
    keys = [key for key, row in rows.items() if row.get("outcome") == "completed"]
    keys += [(row["worker"], "") for row in told if row["outcome"] == "completed" and row["worker"] not in heard]
    writers = {row["id"] for row in records.manifest["roster"] if row["role"] == _REPORT_WRITER}
    return [key for key in keys if key[0] not in writers]


def _results(found: Mapping[Asked, Left]) -> Iterator[Fault]:
    for (worker, label), left in found.items():
        if left.problems is None:
            asked = f" ({label})" if label else ""
            yield Fault("result-missing", left.path, 1, f"{worker}{asked} completed, and this file is not there")
        if left.changed:
            yield Fault("result-changed", left.path, 1, f"it is not what {worker} left when it ended")
        for problem in left.problems or []:
            yield Fault("result-broken", left.path, problem.line, f"{problem.message} ({problem.rule})")


def _open_dispatches(records: RunRecords) -> Iterator[Fault]:
    for (worker, label), row in last_rows(records.events).items():
        if row["event"] == "dispatched":
            line = 1 + next(place for place, event in enumerate(records.events) if event is row)
            asked = f" for {label}" if label else ""
            yield Fault("event-open", records.files.events, line, f"{worker} was dispatched{asked} and never ended")
