"""A run's own event log, `state/events-<seq>.jsonl`. Written by the run alone, one line at a time."""

from __future__ import annotations

import os

from ..core.json_text import encode_line
from ..core.paths import RunFiles
from ..edges import fsio
from ..edges.locks import LockKind, hold
from ..edges.rows import read_rows
from ..words.hints import Any


def append(files: RunFiles, event: str, at: str, **fields: object) -> None:
    """Raises WorkFailed (`write-failed`)."""
    row = {"v": 1, "at": at, "event": event, **fields}
    fsio.make_folder(os.path.dirname(files.events))
    with hold(LockKind.INDEX, f"{files.events}.lock"):
        fsio.append_line(files.events, encode_line(row))


def events_of(files: RunFiles) -> list[dict[str, Any]]:
    """The run's events, oldest first; what is no row is passed over."""
    return list(read_rows(files.events).rows)
