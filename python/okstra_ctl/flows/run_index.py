"""The central index of runs over all projects: one appended row per event of a run (spec 4).

Rows are only ever appended to `active.jsonl`; ended runs move on to `recent.jsonl` and `archive/` now and then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..core import index_rows
from ..core.home_paths import HomePaths
from ..core.index_rows import UNDATED, VERSION, Row, month_of, unchanged
from ..core.json_text import encode_line
from ..edges import durability, fsio
from ..edges.locks import LockKind, hold
from ..words.errors import OkstraError
from . import run_mirror

ROTATE_BYTES = 128 * 1024
EVERYTHING = ""  # the time that reaches back over the whole archive


class IndexRow(NamedTuple):
    """One event of one run; the newest of a run tells its state.

    `event` is `prepared`, `started`, `done`, `released` or how a led run ended; `owner` its lead, while it is led.
    `prepared_at` and `started_at` are given where the row is the only one of its run.
    """

    run_id: str
    event: str
    at: str
    task_type: str
    stage: int | None
    project_root: str
    manifest: str
    owner: Mapping[str, object] | None = None
    prepared_at: str = ""
    started_at: str = ""


_OPTIONAL = ("owner", "prepared_at", "started_at")


def _line(row: IndexRow) -> bytes:
    fields = {name: value for name, value in row._asdict().items() if name not in _OPTIONAL or value}
    return encode_line({"v": VERSION, **fields})


def append(home: HomePaths, row: IndexRow) -> str:
    """Appends the row. Answers a warning when files could not be rotated, or the project keep its copy: the row stands.

    Raises WorkFailed (`write-failed`), Busy.
    """
    return append_all(home, [row])


def append_all(home: HomePaths, rows: Iterable[IndexRow]) -> str:
    """As `append`, in one write."""
    lines = [(row.project_root, _line(row)) for row in rows]
    with hold(LockKind.INDEX, home.index_lock):
        fsio.append_line(home.active_index, b"".join(line for _, line in lines))
        warning = _rotate_when_large(home)
    return "; ".join(filter(None, (warning, run_mirror.keep(_by_project(lines)))))


def append_unless_told(home: HomePaths, rows: Iterable[IndexRow], seen: Mapping[str, Row]) -> int:
    """Appends the rows of those runs of which the index still knows what it did when `seen` was read; answers how
    many. A run that has gone on since has told the index itself, and its word must stay the last.

    The rows must have been made after `seen` was read. Raises Unreadable, WorkFailed (`write-failed`), Busy.
    """
    lines = [(row.run_id, row.project_root, _line(row)) for row in rows]
    with hold(LockKind.INDEX, home.index_lock):
        still = unchanged((run for run, _, _ in lines), seen, newest_rows(home, EVERYTHING))
        wanted = [(root, line) for run, root, line in lines if run in still]
        if wanted:
            fsio.append_line(home.active_index, b"".join(line for _, line in wanted))
    run_mirror.keep(_by_project(wanted))
    return len(wanted)


def recall(home: HomePaths, rows: Iterable[Row]) -> int:
    """Takes rows into the index that only a project's copy has, and answers how many it still lacked.

    Raises Unreadable, WorkFailed (`write-failed`), Busy.
    """
    with hold(LockKind.INDEX, home.index_lock):
        known = {row["run_id"] for row in newest_rows(home, EVERYTHING)}
        lacking = [row for row in rows if row["run_id"] not in known]
        if lacking:
            fsio.append_line(home.active_index, b"".join(map(encode_line, lacking)))
    return len(lacking)


def replace_rows(home: HomePaths, change: Callable[[Row], Row | None]) -> int:
    """Appends what `change` makes of the row that counts of each run; answers how many it made anything of.

    Raises Unreadable, WorkFailed (`write-failed`), Busy.
    """
    with hold(LockKind.INDEX, home.index_lock):
        changed = [new for row in rows_with_beginnings(home, EVERYTHING) if (new := change(row)) is not None]
        if changed:
            fsio.append_line(home.active_index, b"".join(map(encode_line, changed)))
    return len(changed)


def mirror(root: str, rows: Iterable[IndexRow], seen: Mapping[str, Row]) -> int:
    """Gives the project the copies that it lacks, as `append_unless_told`. Raises WorkFailed, Busy."""
    return run_mirror.add(root, {row.run_id: _line(row) for row in rows}, seen)


def _by_project(lines: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    by_root: dict[str, bytes] = {}
    for root, line in lines:
        by_root[root] = by_root.get(root, b"") + line
    return by_root


def append_softly(home: HomePaths, row: IndexRow) -> str:
    """As `append`, for after a commit point: a failure is answered as a warning, because the run itself stands."""
    try:
        return append(home, row)
    except OkstraError as error:
        return f"the run index could not be updated: {error.message} ({error.where})"


def newest_rows(home: HomePaths, back_to: str | None = None) -> list[Row]:
    """The newest row of each run that is open or recent; with `back_to`, of the archive since that time as well.

    In the order in which the runs were first seen. Damaged lines are passed over. Raises Unreadable.
    """
    return index_rows.newest_of_each(_places(home, back_to))


def rows_with_beginnings(home: HomePaths, back_to: str | None = None) -> list[Row]:
    """As `newest_rows`; each row also tells when its run was prepared and started, where that is known."""
    return index_rows.with_beginnings(_places(home, back_to))


def has_archive(home: HomePaths) -> bool:
    return bool(_months(home))


def _places(home: HomePaths, back_to: str | None) -> list[Sequence[Row]]:
    """The rows of each file, that which counts most last.

    They are read without a lock, in the direction in which rows move, and a row is written to where it goes before
    it is taken from where it was: so a row that moves in the meantime is seen at least once.
    """
    active = _rows(home.active_index)
    recent = _rows(home.recent_index)
    older: list[Sequence[Row]] = []
    if back_to is not None and not _reaches_back(recent, back_to):
        first = month_of(back_to) if back_to else UNDATED
        older = [_rows(os.path.join(home.index_archive, name)) for name in _months(home) if name[:7] >= first]
    return [*older, recent, active]


def _reaches_back(recent: Sequence[Row], back_to: str) -> bool:
    """Whether all that the archive holds is older: the recent file holds a run from before that time."""
    return back_to != EVERYTHING and any(row.get("at", "") < back_to for row in recent)


def _months(home: HomePaths) -> list[str]:
    """The archive's files, the oldest first."""
    try:
        names = os.listdir(home.index_archive)
    except OSError:
        return []
    return sorted(name for name in names if name.endswith(".jsonl") and not name.startswith("."))


def _rows(path: str) -> list[Row]:
    return index_rows.rows_of(fsio.read_bytes(path) or b"")


def _rotate_when_large(home: HomePaths) -> str:
    """Rotates when the active index has grown over its bound, and to twice what the last rotation left of it.

    Not while the disk is owed what is written: a row must be there where it goes before it leaves where it was.
    """
    if durability.owing():
        return ""
    try:
        if os.stat(home.active_index).st_size <= ROTATE_BYTES:
            return ""
        from .index_rotation import rotate_grown

        rotate_grown(home)
    except (OkstraError, OSError) as error:
        told = f"{error.message} ({error.where})" if isinstance(error, OkstraError) else str(error)
        return f"ended runs could not be moved out of {home.active_index}: {told}"
    return ""
