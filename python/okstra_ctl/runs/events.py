"""A run's own event log, `state/events-<seq>.jsonl`, written only by the run, one line at a time; and what it proves
about a worker's result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..paths import RunFiles
from ..status import WorkerOutcome
from ..system import files
from ..system.jsonl import read_rows
from ..system.locks import LockKind, locked
from ..system.text import encode_line

Events = Sequence[Mapping[str, Any]]
TAKEN = "taken"
STARTED = "started"
STALLED, ACTIVE = "stalled", "active"
DIGEST = "sha256"
REPORT_WRITTEN = "report-written"
_ENDS = ("dispatched", "ended", TAKEN)
_SESSION_PROVIDER, _SESSION_ROLE = "claude", "analyst"
_SESSION_LEADS = ("claude", "none")


def append(paths: RunFiles, event: str, at: str, **fields: object) -> None:
    """Raises WorkFailed (`write-failed`)."""
    row = {"v": 1, "at": at, "event": event, **fields}
    files.make_folder(os.path.dirname(paths.events))
    with locked(LockKind.INDEX, f"{paths.events}.lock"):
        files.append_line(paths.events, encode_line(row))


def events_of(paths: RunFiles) -> list[dict[str, Any]]:
    """The run's events, oldest first; broken lines are skipped."""
    return list(read_rows(paths.events).rows)


def faults_of(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By worker, the client's message for a main assignment whose last attempt failed."""
    last = {str(row.get("worker")): row for row in events if row.get("event") == "ended" and not row.get("label")}
    return {
        worker: " ".join(str(row["message"]).split())[:200]
        for worker, row in last.items()
        if row.get("outcome") != WorkerOutcome.COMPLETED and row.get("message")
    }


def limited_until(events: Events, now: str) -> str:
    """When the last of the providers takes more whose limit ended a worker's last turn; empty when none is ahead."""
    last = {(row.get("worker"), row.get("label")): row for row in events if row.get("event") == "ended"}
    ends = [str(row.get("again_at") or "") for row in last.values() if row.get("outcome") == WorkerOutcome.QUOTA]
    return max((end for end in ends if end > now), default="")


def digest_of(data: bytes) -> str:
    import hashlib  # slow to import

    return hashlib.sha256(data).hexdigest()


def newest(events: Events, worker: str, label: str) -> Mapping[str, Any] | None:
    """The newest row of a worker's assignment with that label."""
    asked = (worker, label)
    ends = (row for row in reversed(events) if row.get("event") in _ENDS)
    return next((row for row in ends if (row.get("worker"), row.get("label")) == asked), None)


def is_answer(
    events: Events, row: Mapping[str, Any], data: bytes, manifest: Mapping[str, Any], label: str = ""
) -> bool:
    """Whether `data`, from the path of its own result or of its later answer with that label, is what this worker (a
    row of the roster) left there.

    Rows without a digest were written by an older okstra.
    """
    last = newest(events, str(row.get("id")), label)
    if last is None:
        return is_of_session(row) and session_may_have_written(events, manifest)
    if last["event"] == "dispatched" or (last["event"] == "ended" and last.get("outcome") != "completed"):
        return False
    return is_same(events, last, data)


def is_same(events: Events, last: Mapping[str, Any], data: bytes) -> bool:
    """Whether the bytes are those that okstra took over according to that row, or a report that it wrote since."""
    if DIGEST not in last:
        return True
    own = digest_of(data)
    return own == last[DIGEST] or own in {row.get(DIGEST) for row in events if row.get("event") == REPORT_WRITTEN}


def is_of_session(row: Mapping[str, Any]) -> bool:
    """Whether this worker may be an agent of the session that leads."""
    return row.get("provider") == _SESSION_PROVIDER and row.get("role") == _SESSION_ROLE


def session_may_have_written(events: Events, manifest: Mapping[str, Any]) -> bool:
    """Whether the results can be of a leading session: not once okstra, leading itself, has started a worker."""
    place = next((number for number, row in enumerate(events) if row.get("event") == STARTED), None)
    if place is None:
        lead = manifest.get("lead")
        return not isinstance(lead, Mapping) or lead.get("mode") in _SESSION_LEADS
    before = events[place].get("led_by")
    if before is None:  # led by an okstra that took whatever was there
        return True
    return before in _SESSION_LEADS and all(row.get("event") != "dispatched" for row in events[place:])
