"""Rows of the central index: which rows are valid, and which of a run's rows counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..status import RunStatus

VERSION = 1
RECENT_RUNS = 1000
RECENT_SECONDS = 30 * 86400
ALWAYS_RECENT = 100  # of the runs that have ended: a short list is shown in full, however old they are
ENDED: Mapping[str, str] = {
    "done": RunStatus.COMPLETED.value,
    "released": RunStatus.RELEASED.value,
    "completed": RunStatus.COMPLETED.value,
    "failed": RunStatus.FAILED.value,
    "contract-violated": RunStatus.CONTRACT_VIOLATED.value,
    "interrupted": RunStatus.INTERRUPTED.value,
}
Row = dict[str, Any]
_TEXTS = ("event", "at", "task_type", "project_root", "manifest", "prepared_at", "started_at")


def rows_of(data: bytes) -> list[Row]:
    """The valid rows of a JSONL file, in order. Damaged lines, and a torn last one, are skipped."""
    values: list[Any] = list(map(_value, data.split(b"\n")[:-1]))
    return [value for value in values if is_valid_row(value)]


def with_beginnings(places: Iterable[Sequence[Row]]) -> list[Row]:
    """The row that counts of each run: of the last place that has one, and there the last. Each has the run's first
    `prepared_at` and `started_at`, where they are known."""
    newest: dict[str, Row] = {}
    for rows in places:
        for row in rows:
            newest[row["run_id"]] = with_beginning(newest.get(row["run_id"]), row)
    return list(newest.values())


def unchanged(runs: Iterable[str], seen: Mapping[str, Row], now: Iterable[Row]) -> set[str]:
    """Those of the runs whose rows in `now` are as in `seen`, or missing from both."""
    known = {row["run_id"]: _event_of(row) for row in now}
    return {run for run in runs if known.get(run) == (_event_of(seen[run]) if run in seen else None)}


def with_beginning(before: Mapping[str, Any] | None, row: Row) -> Row:
    """The row with when its run was prepared and started, as far as known."""
    new, before, at = dict(row), before or {}, row.get("at", "")
    prepared = before.get("prepared_at") or row.get("prepared_at") or (at if row.get("event") == "prepared" else "")
    started = before.get("started_at") or row.get("started_at") or (at if row.get("event") == "started" else "")
    new.update({name: when for name, when in (("prepared_at", prepared), ("started_at", started)) if when})
    return new


def is_valid_row(row: Any) -> bool:
    """Whether it is a row of this version whose text fields are text."""
    return (
        isinstance(row, dict)
        and row.get("v") == VERSION
        and isinstance(row.get("run_id"), str)
        and all(isinstance(row.get(name, ""), str) for name in _TEXTS)
        and isinstance(row.get("stage"), (int, type(None)))
    )


def _event_of(row: Row) -> tuple[object, object]:
    return row.get("event"), row.get("at")


def _value(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
