"""The central index of runs over all projects: one row a run, that of its last event.

It is derived: `okstra reconcile` rebuilds it from the runs on disk and from each project's copy. An earlier okstra kept
it in JSONL files. The first writer that finds such files imports their rows, commits, and only then moves the files
aside: after a kill in between, importing again changes nothing. Until then readers add those rows.

Each project has a copy of its own rows, which lists the runs even without the home that ran them, and when the folders
of the runs are gone. It is appended to after the index itself, and read by `reconcile` only, which adds rows that a
kill left out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from ..errors import OkstraError
from ..home_paths import HomePaths
from ..names import RunId
from ..paths import ProjectFiles
from ..system import files, fsync
from ..system.files import names_in, read_bytes
from ..system.locks import LockKind, locked
from . import database
from .database import (
    ALWAYS_RECENT,
    RECENT_RUNS,
    RECENT_SECONDS,
    VERSION,
    Index,
    IndexDamaged,
    Recent,
    Row,
    rows_of,
    unchanged,
    with_beginnings,
)

EVERYTHING = ""  # as a time: includes every run


def append_to_copies(lines: Mapping[str, bytes]) -> str:
    """Appends lines, given by project root. Returns a warning when some could not be written; the index has them.

    A project that is gone is skipped.
    """
    failed = []
    for root, text in lines.items():
        project = ProjectFiles(root)
        if not os.path.isdir(project.okstra_dir):
            continue
        try:
            with locked(LockKind.INDEX, project.lock):
                files.append_line(project.runs, text)
        except OkstraError as error:
            failed.append(f"the project's own list of runs could not be updated: {error.message} ({error.where})")
    return "; ".join(failed)


def append_to_copy(root: str, lines: Mapping[str, bytes], seen: Mapping[str, Row]) -> int:
    """Appends the lines, given by run, of those runs of which the copy still tells what it did when `seen` was read;
    returns how many. Raises WorkFailed (`write-failed`), Busy."""
    project = ProjectFiles(root)
    with locked(LockKind.INDEX, project.lock):
        still = unchanged(lines, seen, rows_of_copy(root))
        wanted = [line for run, line in lines.items() if run in still]
        if wanted:
            files.append_line(project.runs, b"".join(wanted))
    return len(wanted)


def rows_of_copy(root: str) -> list[Row]:
    """The row that counts of each run, with what is known of its beginning, and the project's current path.

    What can't be read is skipped.
    """
    project = ProjectFiles(root)
    try:
        rows = rows_of(files.read_bytes(project.runs) or b"")
    except OkstraError:
        return []
    return [placed for row in with_beginnings([rows]) if (placed := _placed(row, project))]


def _placed(row: Row, project: ProjectFiles) -> Row | None:
    """With the project's current path; None for a row that names no run."""
    try:
        run = RunId.parse(row["run_id"])
    except OkstraError:
        return None
    return {**row, "project_root": project.root, "manifest": project.task(run.task).run_of(run).manifest}


class IndexRow(NamedTuple):
    """One event of one run; the newest of a run has its state.

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

    def to_json(self) -> Row:
        return {"v": VERSION, **{name: value for name, value in self._asdict().items() if name == "stage" or value}}


def append(home: HomePaths, row: IndexRow) -> str:
    """Records the event. Returns a warning when the project could not keep its copy: the row stands.

    Raises WorkFailed (`write-failed`), Unreadable (`state-unreadable`), Busy.
    """
    return append_all(home, [row])


def append_all(home: HomePaths, rows: Iterable[IndexRow]) -> str:
    """As `append`, in one transaction."""
    values = [row.to_json() for row in rows]
    with _changing(home) as index:
        index.put(values)
    return append_to_copies(_by_project(values))


def append_if_unchanged(home: HomePaths, rows: Iterable[IndexRow], seen: Mapping[str, Row]) -> int:
    """Records the rows of those runs whose rows in the index are unchanged since `seen` was read; returns how many. A
    run that went on since then has recorded its own event, which must stay the last.

    The rows must have been made after `seen` was read. Raises Unreadable, WorkFailed (`write-failed`), Busy.
    """
    values = {row.run_id: row.to_json() for row in rows}
    with _changing(home) as index:
        still = unchanged(values, seen, index.rows())
        wanted = [row for run, row in values.items() if run in still]
        index.put(wanted)
    append_to_copies(_by_project(wanted))
    return len(wanted)


def add_missing_rows(home: HomePaths, rows: Iterable[Row]) -> int:
    """Adds rows that only a project's copy has, and returns how many were still missing.

    Raises Unreadable, WorkFailed (`write-failed`), Busy.
    """
    with _changing(home) as index:
        known = {row["run_id"] for row in index.rows()}
        lacking = [row for row in rows if row["run_id"] not in known]
        index.put(lacking)
    return len(lacking)


def replace_rows(home: HomePaths, change: Callable[[Row], Row | None]) -> int:
    """Records what `change` returns for each run's row; returns how many rows changed.

    Raises Unreadable, WorkFailed (`write-failed`), Busy.
    """
    with _changing(home) as index:
        changed = [new for row in index.rows() if (new := change(row)) is not None]
        index.put(changed)
    return len(changed)


def add_to_mirror(root: str, rows: Iterable[IndexRow], seen: Mapping[str, Row]) -> int:
    """Adds missing rows to the project's copy, as `append_if_unchanged`. Raises WorkFailed, Busy."""
    return append_to_copy(root, {row.run_id: _line(row.to_json()) for row in rows}, seen)


def try_append(home: HomePaths, row: IndexRow) -> str:
    """As `append`, for after a commit point: a failure is returned as a warning, because the run itself stands."""
    try:
        return append(home, row)
    except OkstraError as error:
        return f"the run index could not be updated: {error.message} ({error.where})"


def newest_rows(home: HomePaths, back_to: str | None = None) -> list[Row]:
    """The row of each run that is open or ended recently; with `back_to`, of all others since that time as well.

    In the order in which the runs were first recorded, with the times at which each was prepared and started, where
    known. Rows that okstra did not write are skipped. Raises Unreadable, Busy.
    """
    with database.reading(home.run_index, _older_rows(home)) as index:
        if back_to == EVERYTHING:
            return index.rows()
        return index.recent(_recent(), back_to)


def has_older(home: HomePaths) -> bool:
    """Whether there are runs that `newest_rows` leaves out without `back_to`. Raises Unreadable, Busy."""
    with database.reading(home.run_index, _older_rows(home)) as index:
        return index.has_older(_recent())


def rows_to_reconcile(home: HomePaths) -> list[Row]:
    """All rows; none of a damaged index, which is to be rebuilt. Raises Unreadable, Busy."""
    try:
        return [] if damage(home) else newest_rows(home, EVERYTHING)
    except IndexDamaged:
        return []


def damage(home: HomePaths) -> str:
    """What is wrong with the index; empty when it can be read. Raises Unreadable for a newer okstra's, Busy."""
    return database.damage(home.run_index)


def set_damaged_aside(home: HomePaths) -> str:
    """Moves a damaged index aside; returns where it is now, or "" if it was sound. Raises WorkFailed, Busy.

    The database goes before its journal: SQLite discards a journal that it finds without one.
    """
    with locked(LockKind.INDEX, home.index_lock):
        if not damage(home):
            return ""
        aside = database.set_aside(home.run_index, home.index_aside)
        if os.path.lexists(f"{home.run_index}-journal"):
            database.set_aside(f"{home.run_index}-journal", home.index_aside)
    return aside


@contextmanager
def _changing(home: HomePaths) -> Iterator[Index]:
    with locked(LockKind.INDEX, home.index_lock):
        # Not while fsync is deferred: rows must be on the disk before the files that have them are moved.
        older = [] if fsync.is_deferring() else _older_files(home)
        with database.changing(home.run_index) as index:
            index.add_older(_rows_in(older))
            yield index
        for path in older:
            database.set_aside(path, home.index_aside)
        if older:
            with suppress(OSError):
                os.rmdir(home.index_archive)


def _older_rows(home: HomePaths) -> list[Row]:
    """Rows of an earlier okstra that are not imported yet. They are read before the database: who imports them commits
    before the files are moved."""
    return _rows_in(_older_files(home))


def _older_files(home: HomePaths) -> list[str]:
    """The files of an earlier okstra, the newest last."""
    months = [name for name in names_in(home.index_archive) if name.endswith(".jsonl")]
    found = [os.path.join(home.index_archive, name) for name in months]
    return [*found, *filter(os.path.lexists, (home.recent_index, home.active_index))]


def _rows_in(files: Iterable[str]) -> list[Row]:
    return with_beginnings([rows_of(read_bytes(path) or b"") for path in files])


def _recent() -> Recent:
    oldest = time.gmtime(max(0.0, time.time() - RECENT_SECONDS))
    return Recent(time.strftime("%Y-%m-%dT%H:%M:%SZ", oldest), RECENT_RUNS, ALWAYS_RECENT)


def _line(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _by_project(rows: Iterable[Row]) -> dict[str, bytes]:
    by_root: dict[str, bytes] = {}
    for row in rows:
        root = row["project_root"]
        by_root[root] = by_root.get(root, b"") + _line(row)
    return by_root
