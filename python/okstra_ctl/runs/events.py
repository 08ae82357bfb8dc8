"""A run's own event log, `state/events-<seq>.jsonl`. Written by the run alone, one line at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..outcomes import WorkerOutcome
from ..paths import RunFiles
from ..system import files as fsio
from ..system.json_text import encode_line
from ..system.jsonl import read_rows
from ..system.locks import LockKind, hold


def append(files: RunFiles, event: str, at: str, **fields: object) -> None:
    """Raises WorkFailed (`write-failed`)."""
    row = {"v": 1, "at": at, "event": event, **fields}
    fsio.make_folder(os.path.dirname(files.events))
    with hold(LockKind.INDEX, f"{files.events}.lock"):
        fsio.append_line(files.events, encode_line(row))


def events_of(files: RunFiles) -> list[dict[str, Any]]:
    """The run's events, oldest first; what is no row is passed over."""
    return list(read_rows(files.events).rows)


def faults_of(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By worker, why its own part failed, in its client's words: of those whose last turn there failed so."""
    last = {str(row.get("worker")): row for row in events if row.get("event") == "ended" and not row.get("label")}
    return {
        worker: " ".join(str(row["message"]).split())[:200]
        for worker, row in last.items()
        if row.get("outcome") != WorkerOutcome.COMPLETED and row.get("message")
    }
