"""The file of the central index: an SQLite database of one table with one row a run.

It is derived from the runs on disk, so a damaged one is set aside and rebuilt by `okstra reconcile`. Readers take no
lock of okstra's: SQLite shows them the last committed change. Writers hold okstra's index lock. With the rollback
journal (not WAL) a read-only home can be read.

Which rows are valid, and which of a run's rows counts, is decided here for every file that has such rows.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ..errors import Busy, Unreadable
from ..status import RunStatus
from ..system import files, fsync
from ..system.text import text_bytes

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
_FORMAT = 1  # PRAGMA user_version
_BUSY_SECONDS = 10.0
_COLUMNS = (
    *("run_id", "event", "at", "task_type", "stage", "project_root", "manifest"),
    *("owner", "prepared_at", "started_at"),
)
_CREATE = """
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY, event TEXT NOT NULL, at TEXT NOT NULL, task_type TEXT NOT NULL, stage INTEGER,
  project_root TEXT NOT NULL, manifest TEXT NOT NULL, owner TEXT NOT NULL, prepared_at TEXT NOT NULL,
  started_at TEXT NOT NULL
)"""
# Text is bound as bytes: a path may have bytes that are not UTF-8.
_PUT = f"""
INSERT INTO runs ({", ".join(_COLUMNS)})
VALUES ({", ".join("?" if name == "stage" else "CAST(? AS TEXT)" for name in _COLUMNS)})
ON CONFLICT (run_id) DO UPDATE SET
  {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:-2])},
  prepared_at = CASE runs.prepared_at WHEN '' THEN excluded.prepared_at ELSE runs.prepared_at END,
  started_at = CASE runs.started_at WHEN '' THEN excluded.started_at ELSE runs.started_at END"""
_ENDED = ", ".join(f"'{event}'" for event in ENDED)
_NEWEST = f"SELECT rowid FROM runs WHERE event IN ({_ENDED}) ORDER BY at DESC, run_id DESC LIMIT"
_RECENT = f"""(event NOT IN ({_ENDED}) OR rowid IN ({_NEWEST} :least)
  OR (at >= :oldest AND rowid IN ({_NEWEST} :most)))"""
_REPAIR = "okstra reconcile --apply sets it aside and rebuilds it from the runs on disk"


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


if TYPE_CHECKING:
    from sqlite3 import Connection


class IndexDamaged(Unreadable):
    """The file exists, but is not a database that okstra wrote."""


class Recent(NamedTuple):
    """Of the ended runs: those since `oldest`, `most` at most; and the newest `least`, however old."""

    oldest: str
    most: int
    least: int


class Index:
    """The rows of an open database. Raises `sqlite3.Error`, which `reading` and `changing` translate."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self) -> list[Row]:
        """The row of every run, in the order in which the runs were first seen."""
        return self._select("1", {})

    def recent(self, bounds: Recent, back_to: str | None = None) -> list[Row]:
        """Open runs, those that ended within the bounds, and all since `back_to`."""
        since = "" if back_to is None else " OR at >= :back_to"
        return self._select(_RECENT + since, {**bounds._asdict(), "back_to": back_to})

    def has_older(self, bounds: Recent) -> bool:
        """Whether there are runs that `recent` leaves out."""
        found = self._connection.execute(f"SELECT EXISTS (SELECT 1 FROM runs WHERE NOT {_RECENT})", bounds._asdict())
        return bool(found.fetchone()[0])

    def put(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replaces the rows of these runs; when a run was prepared and first started is kept."""
        self._connection.executemany(_PUT, map(_values, rows))

    def add_older(self, rows: Iterable[Row]) -> None:
        """Adds rows of an earlier okstra: newer rows, and known beginnings of others."""
        known = {row["run_id"]: row for row in self.rows()}
        for row in rows:
            before = known.get(row["run_id"])
            self.put([row if before is None or row.get("at", "") > before["at"] else with_beginning(row, before)])

    def _select(self, condition: str, values: Mapping[str, object]) -> list[Row]:
        query = f"SELECT {', '.join(_COLUMNS)} FROM runs WHERE {condition} ORDER BY rowid"
        rows = map(_row, self._connection.execute(query, values))
        return [row for row in rows if row is not None]


@contextmanager
def reading(path: str, older: Iterable[Row] = ()) -> Iterator[Index]:
    """The index as it is, with rows of an earlier okstra that are not migrated yet; empty without a file.

    Raises Unreadable (`state-unreadable`), IndexDamaged, Busy.
    """
    import sqlite3

    try:
        connection = _open(path) if _is_there(path) else None
        older = list(older)
        if connection is None or older or not _version(connection, path):
            connection = _copy(connection, path, older)
        try:
            yield Index(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        _raise_unreadable(path, error)


@contextmanager
def changing(path: str) -> Iterator[Index]:
    """One transaction: committed when the block ends without an error. The caller holds the index lock.

    Raises WorkFailed (`write-failed`), Unreadable (`state-unreadable`), IndexDamaged, Busy.
    """
    import sqlite3

    files.claim(path)  # for its user only: SQLite gives its journal the same mode
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise IndexDamaged("state-unreadable", "it is not a regular file", where=path, hint=_REPAIR)
    try:
        connection = _open(path)
        try:
            connection.execute(f"PRAGMA synchronous = {'OFF' if fsync.is_deferring() else 'FULL'}")
            connection.execute("BEGIN IMMEDIATE")
            if not _version(connection, path):
                connection.execute(_CREATE)
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
            yield Index(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()  # what was not committed is rolled back
    except sqlite3.Error as error:
        if not _is_busy(error) and not _is_damage(error):
            files.raise_write_failed(path, OSError(str(error)))
        _raise_unreadable(path, error)
    if fsync.is_deferring():
        fsync.defer_fsync(path)


def damage(path: str) -> str:
    """What is wrong with the file, after a full check; empty for a valid one, and without a file.

    Raises Unreadable (`state-unreadable`) for a newer okstra's, Busy.
    """
    import sqlite3

    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        return "it is not a regular file"
    try:
        connection = _open(path) if _is_there(path) else None
        if connection is None:
            return ""
        try:
            if _version(connection, path):
                connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM runs LIMIT 1")
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
        return "" if found == "ok" else str(found)
    except sqlite3.Error as error:
        if not _is_damage(error):
            _raise_unreadable(path, error)
        return str(error)


def set_aside(path: str, folder: str) -> str:
    """Moves a file or folder into `folder`, adding the time to its name; returns its path. Raises WorkFailed."""
    files.make_folder(folder)
    name = f"{os.path.basename(path)}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    aside, number = os.path.join(folder, name), 1
    while os.path.lexists(aside):
        number += 1
        aside = os.path.join(folder, f"{name}-{number}")
    try:
        os.rename(path, aside)
    except OSError as error:
        files.raise_write_failed(path, error)
    return aside


def _open(path: str) -> Connection:
    import sqlite3

    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    return connection


def _copy(source: Connection | None, path: str, older: Iterable[Row]) -> Connection:
    """The database in memory with the older rows, because a reader changes no file."""
    memory = _open(":memory:")
    if source is not None:
        source.backup(memory)
        source.close()
    if not _version(memory, path):
        memory.execute(_CREATE)
    memory.execute("BEGIN")
    Index(memory).add_older(older)
    memory.execute("COMMIT")
    return memory


def _is_there(path: str) -> bool:
    """Raises IndexDamaged for a FIFO or a device, which would block."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Unreadable("state-unreadable", f"it can't be read: {error.strerror}", where=path) from error
    if not stat.S_ISREG(found.st_mode):
        raise IndexDamaged("state-unreadable", "it is not a regular file", where=path, hint=_REPAIR)
    return True


def _version(connection: Connection, path: str) -> int:
    """0 for a file without a table yet. Raises Unreadable for a newer okstra's."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _FORMAT:
        raise Unreadable(
            "state-unreadable",
            "the index of runs was written by a newer okstra",
            where=path,
            hint="use the okstra version that wrote it, or a newer one",
        )
    return int(version)


def _values(row: Mapping[str, Any]) -> list[object]:
    known = with_beginning(None, dict(row))
    texts = {name: known.get(name) or "" for name in _COLUMNS}
    texts["owner"] = json.dumps(known["owner"]) if known.get("owner") else ""
    return [known.get("stage") if name == "stage" else text_bytes(texts[name]) for name in _COLUMNS]


def _row(values: tuple[Any, ...]) -> Row | None:
    """None for a row that okstra did not write."""
    row = {"v": VERSION, **{name: value for name, value in zip(_COLUMNS, values, strict=True) if value != ""}}
    try:
        if row.get("owner"):
            row["owner"] = json.loads(row["owner"])
    except (ValueError, TypeError, RecursionError):
        return None
    return row if is_valid_row(row) else None


def _is_busy(error: Exception) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _is_damage(error: Exception) -> bool:
    """Whether the error is about the file's contents, not about opening, reading or writing it."""
    return any(word in str(error) for word in ("malformed", "not a database", "no such", "schema", "corrupt"))


def _raise_unreadable(path: str, error: Exception) -> NoReturn:
    if _is_busy(error):
        hint = "wait for the command that changes it, then try again"
        raise Busy("busy", "the index of runs is being changed", where=path, hint=hint) from error
    message = f"the index of runs can't be read: {error}"
    if _is_damage(error):
        raise IndexDamaged("state-unreadable", message, where=path, hint=_REPAIR) from error
    hint = "check permissions; after a writer was killed, run okstra list once where the home can be written"
    raise Unreadable("state-unreadable", message, where=path, hint=hint) from error
