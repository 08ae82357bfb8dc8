"""Reads JSONL files that are appended to under a lock; tolerates torn and damaged lines."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import files
from .text import loads


class Rows(NamedTuple):
    """The rows that are JSON objects, oldest first; `damaged` are the numbers of the other lines."""

    rows: tuple[dict[str, Any], ...]
    damaged: tuple[int, ...]


def read_rows(path: str) -> Rows:
    """The file's rows; none when there is no such file. A tail without a newline is still being written, or torn: it is
    skipped.

    Raises Unreadable (`state-unreadable`) when it is not a regular file.
    """
    rows: list[dict[str, Any]] = []
    damaged = []
    for number, line in enumerate((files.read_bytes(path) or b"").split(b"\n")[:-1], 1):
        try:
            row = loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            damaged.append(number)
    return Rows(tuple(rows), tuple(damaged))
