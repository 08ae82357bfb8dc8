"""Waits until a run's results (or its report) are there and valid; prints one JSON line for each change.

Exit 0: all there and valid; 1: a worker is gone, or the timeout was reached.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from ..checks.result import Expected, problems_of_text
from ..errors import OkstraError, Unreadable, UsageError, WorkFailed
from ..names import Owner
from ..output import Reply
from ..quoting import okstra_command
from ..results.records import MAX_BYTES
from ..runs.events import Events, events_of, is_answer
from ..runs.find import KnownRun
from ..runs.manifest import SCHEMA
from ..services import Call
from ..status import Liveness
from ..system import files, foreign_files
from ..system.process_identity import liveness
from ..system.text import dumps

_DAY = 86400.0
_PAUSE = 0.25
_AWAITED = ("analyst", "executor", "verifier")
_WRITER = "report-writer"
VALID, INVALID, MISSING, GONE = "valid", "invalid", "missing", "gone"


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id")
    parser.add_argument("--for", dest="awaited", choices=("results", "report"), default="results", help="what to await")
    parser.add_argument("--timeout", metavar="S", default="", help="seconds to wait at most (default: a day)")


def execute(args: Namespace, call: Call) -> Reply:
    from ..runs.find import find_run

    run = find_run(args.run, call.start, call.services)
    last: dict[str, object] = {}
    for row in watch(run, args.awaited, _seconds(args.timeout)):
        last = row
        if not getattr(args, "json", False):
            sys.stdout.write(dumps(row) + "\n")
            sys.stdout.flush()
    if last["ended"] != "ready":
        hint = okstra_command("show", run.id)
        raise WorkFailed("wait-over", f"{run.id}: {last['ended']}", where=run.files.dir, hint=hint, data=last)
    return Reply(last, "")


def _seconds(text: str) -> float:
    if not text:
        return _DAY
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 30 * _DAY:
        raise UsageError("usage", f"invalid --timeout {text!r}: expected a number of seconds, 30 days at most")
    return value


def watch(run: KnownRun, what: str, timeout: float) -> Iterator[dict[str, object]]:
    """Yields one row for each change of a result's state; the last has `"last": true` and how the wait ended.

    `what` is `results` or `report`; `timeout` seconds. A worker is gone when its dispatch ended without a result,
    or nobody leads the run any more.
    """
    deadline = time.monotonic() + timeout
    awaited = _awaited(run, what)
    states: dict[str, str] = {}
    while True:
        gone = _gone(run)
        events = events_of(run.files)
        for name, expected, path in awaited:
            state = _state(expected, path, events)
            state = GONE if state != VALID and (name in gone or "" in gone) else state
            if states.get(name) != state:
                states[name] = state
                yield {"worker": name, "state": state, "path": path}
        if all(state in (VALID, GONE) for state in states.values()) or time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE)
    ended = "ready" if set(states.values()) <= {VALID} else "gone" if GONE in states.values() else "timeout"
    yield {"last": True, "ended": ended, "states": states}


def _awaited(run: KnownRun, what: str) -> list[tuple[str, Expected, str]]:
    paths, manifest = run.files, run.manifest
    if what == "report":
        expected = Expected(paths, manifest, _WRITER, _WRITER, "worker")
        return [(_WRITER, expected, paths.report_data)]
    rows: Any = manifest.get("roster") or []
    return [
        (row["id"], Expected(paths, manifest, row["id"], row["role"], "worker"), paths.worker_result(row["id"]))
        for row in rows
        if row["role"] in _AWAITED
    ]


def _state(expected: Expected, path: str, events: Events) -> str:
    """The state of the result at that path; a file that okstra did not put there for this worker does not count."""
    try:
        data = foreign_files.read(path, MAX_BYTES)
    except Unreadable:
        return INVALID
    if data is None or not _is_there(expected, data, events):
        return MISSING
    try:
        text = data.decode("utf-8")
        return INVALID if not text.strip() or problems_of_text(expected, text) else VALID
    except (OkstraError, UnicodeDecodeError):
        return INVALID


def _is_there(expected: Expected, data: bytes, events: Events) -> bool:
    if expected.role == _WRITER:  # its data becomes the report
        return True
    roster: Any = expected.manifest.get("roster") or []
    row: Mapping[str, Any] = next((one for one in roster if one["id"] == expected.worker), {})
    return is_answer(events, row, data, expected.manifest)


def _goes_on(run: KnownRun, worker: str, end: Mapping[str, Any]) -> bool:
    """Whether a worker has completed its part, or is asked to repair it."""
    if end.get("outcome") != "invalid-result":
        return end.get("outcome") == "completed"
    return os.path.exists(run.files.repair_prompt(worker, "", int(end.get("attempt") or 0)))


def _gone(run: KnownRun) -> set[str]:
    """Workers whose last dispatch ended without a result; "" when the lead itself is gone."""
    last: dict[str, dict[str, Any]] = {}
    for row in events_of(run.files):
        if row.get("event") in ("dispatched", "ended") and row.get("label") == "":
            last[str(row.get("worker"))] = row
    gone = {worker for worker, row in last.items() if row["event"] == "ended" and not _goes_on(run, worker, row)}
    manifest = files.read_json(run.files.manifest, SCHEMA) or {}
    lead = manifest.get("lead")
    try:
        owner = Owner.from_json(lead.get("owner")) if isinstance(lead, dict) else None
    except ValueError:
        owner = None
    if liveness(owner) is Liveness.GONE or manifest.get("outcome") is not None:
        gone.add("")
    return gone
