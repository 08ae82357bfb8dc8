"""The central index of runs over all projects: one appended row per event of a run (spec 4, `active.jsonl`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from ..core.home_paths import HomePaths
from ..edges import fsio
from ..edges.locks import LockKind, hold
from ..words.errors import OkstraError

VERSION = 1


class IndexRow(NamedTuple):
    """One event of one run. `event` is `prepared`, `done` or `released`; the newest of a run tells its state."""

    run_id: str
    event: str
    at: str
    task_type: str
    stage: int | None
    project_root: str
    manifest: str


def append(home: HomePaths, row: IndexRow) -> None:
    line = json.dumps({"v": VERSION, **row._asdict()}, ensure_ascii=False).encode("utf-8", "surrogateescape")
    with hold(LockKind.INDEX, home.index_lock):
        fsio.append_line(home.active_index, line + b"\n")


def append_softly(home: HomePaths, row: IndexRow) -> str:
    """As `append`, for after a commit point: a failure is answered as a warning, because the run itself stands."""
    try:
        append(home, row)
    except OkstraError as error:
        return f"the run index could not be updated: {error.message} ({error.where})"
    return ""


def newest_rows(home: HomePaths) -> list[dict[str, object]]:
    """The newest row of each run, in the order in which the runs were first seen. Damaged lines are passed over."""
    newest: dict[str, dict[str, object]] = {}
    for row in _rows(home):
        run_id = row.get("run_id")
        if isinstance(run_id, str):
            newest[run_id] = row
    return list(newest.values())


def _rows(home: HomePaths) -> Iterator[dict[str, object]]:
    for line in (fsio.read_bytes(home.active_index) or b"").split(b"\n")[:-1]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and row.get("v") == VERSION:
            yield row
