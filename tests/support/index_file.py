"""The database of the run index, as a person or a crash would handle it: behind okstra's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from okstra_ctl.home_paths import HomePaths
from okstra_ctl.index import run_index


def path(home: Path) -> Path:
    return home / "index.sqlite3"


def rows(home: Path) -> list[dict[str, Any]]:
    """Every row, as okstra reads it."""
    return run_index.newest_rows(HomePaths(str(home)), run_index.EVERYTHING)


def execute(home: Path, statement: str, values: Iterable[object] = ()) -> int:
    """Changes the file; returns how many rows it changed."""
    with closing(sqlite3.connect(path(home))) as connection, connection:
        return connection.execute(statement, tuple(values)).rowcount


def forget(home: Path, run_id: str) -> None:
    assert execute(home, "DELETE FROM runs WHERE run_id = ?", [run_id]) == 1
