"""The central index of runs over all projects: one appended row per event of a run (spec 4, `active.jsonl`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..core.home_paths import HomePaths
from ..core.json_text import encode_line
from ..edges import fsio
from ..edges.locks import LockKind, hold
from ..words.errors import OkstraError

VERSION = 1


class IndexRow(NamedTuple):
    """One event of one run; the newest of a run tells its state.

    `event` is `prepared`, `started`, `done`, `released` or how a led run ended; `owner` its lead, while it is led.
    """

    run_id: str
    event: str
    at: str
    task_type: str
    stage: int | None
    project_root: str
    manifest: str
    owner: Mapping[str, object] | None = None


def append(home: HomePaths, row: IndexRow) -> None:
    with hold(LockKind.INDEX, home.index_lock):
        fsio.append_line(
            home.active_index,
            encode_line(
                {"v": VERSION, **{name: value for name, value in row._asdict().items() if name != "owner" or value}}
            ),
        )


def append_softly(home: HomePaths, row: IndexRow) -> str:
    """As `append`, for after a commit point: a failure is answered as a warning, because the run itself stands."""
    try:
        append(home, row)
    except OkstraError as error:
        return f"the run index could not be updated: {error.message} ({error.where})"
    return ""


def newest_rows(home: HomePaths) -> list[dict[str, Any]]:
    """The newest row of each run, in the order in which the runs were first seen. Damaged lines are passed over."""
    newest: dict[str, dict[str, Any]] = {}
    for row in _rows(home):
        if isinstance(row, dict) and row.get("v") == VERSION and isinstance(row.get("run_id"), str) and _is_sound(row):
            newest[row["run_id"]] = row
    return list(newest.values())


def _is_sound(row: dict[str, Any]) -> bool:
    """Whether what there is of text is text. One chain, because it is asked of every row there ever was."""
    text = type(row.get("event", "")) is type(row.get("at", "")) is type(row.get("task_type", "")) is str
    return text and type(row.get("project_root", "")) is type(row.get("manifest", "")) is str


def _rows(home: HomePaths) -> list[Any]:
    """Every line's value. One call of the parser for all of them takes half the time of one for each."""
    lines = (fsio.read_bytes(home.active_index) or b"").split(b"\n")[:-1]
    try:
        rows: list[Any] = json.loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        return [row for line in lines for row in _parsed(line)]
    return rows


def _parsed(line: bytes) -> list[object]:
    """The line's value, or nothing when it is damaged."""
    try:
        return [json.loads(line)]
    except (ValueError, RecursionError):
        return []
