"""Whom a resume will ask: what is on disk and valid is not asked again, and its clients need not be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import git
from ..errors import OkstraError
from ..names import IMPLEMENTATION, PLANNING
from ..results.records import MAX_BYTES
from ..runs.events import events_of, is_same
from ..runs.find import KnownRun
from ..settings.roster import Worker
from ..status import WorkerOutcome
from ..system import files as fsio
from ..system import foreign_files

_WRITER, _ANALYST = "report-writer", "analyst"


def workers_to_ask(run: KnownRun, roster: Sequence[Worker]) -> tuple[Worker, ...]:
    """Those of the roster whom a resume asks, or may have to ask.

    One who is asked anew may raise what all the others are asked about. So the others are left out only when each of
    them has answered all that they were asked, and the report was begun: then every answer is taken from the disk. A
    plan's analysts check the plan that comes of the report.
    """
    events = events_of(run.files)
    silent = [worker for worker in roster if not _has_answered(run, worker, events)]
    begun = any(row.get("event") == "dispatched" and _role(row, roster) == _WRITER for row in events)
    if not begun or any(worker.role != _WRITER for worker in silent) or _may_have_moved(run):
        return tuple(roster)
    checks = run.id.task_type == PLANNING and bool(silent)
    return tuple(worker for worker in roster if worker in silent or (checks and worker.role == _ANALYST))


def _has_answered(run: KnownRun, worker: Worker, events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last word to every question that it was asked is an answer, and its result is as it was left."""
    last: dict[str, Mapping[str, Any]] = {}
    for row in events:
        if row.get("worker") == worker.id and row.get("event") in ("dispatched", "ended"):
            last[str(row.get("label") or "")] = row
    if "" not in last or any(row.get("outcome") != WorkerOutcome.COMPLETED for row in last.values()):
        return False
    path = run.files.report_data if worker.role == _WRITER else run.files.worker_result(worker.id)
    try:
        data = foreign_files.read(path, MAX_BYTES)
    except OkstraError:
        return False
    return data is not None and is_same(events, last[""], data)


def _role(row: Mapping[str, Any], roster: Sequence[Worker]) -> str:
    return next((worker.role for worker in roster if worker.id == row.get("worker")), "")


def _may_have_moved(run: KnownRun) -> bool:
    """Whether verifiers may have to look at another commit than they did: of a stage whose exit check, which comes
    after them, was not run at the commit that stands there now. Other phases look at the commit of their start."""
    if run.id.task_type != IMPLEMENTATION:
        return False
    try:
        checked = (fsio.read_json(run.files.exit_check) or {}).get("commit")
        return not checked or checked != git.resolve(run.folder, "HEAD")
    except OkstraError:
        return True
