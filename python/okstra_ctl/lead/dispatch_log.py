"""What is written down of a dispatch: its end among the run's events, faults in the error log; keys are hidden."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from ..agents.job import Report
from ..errors import OkstraError
from ..outcomes import WorkerOutcome
from ..system import files as fsio
from ..system.json_text import encode_line
from ..system.locks import LockKind, hold
from ..system.secret_files import hide_in_log
from .assignments import Answer, Assignment, Found
from .context import Scene
from .drops import Taken
from .spending import spent_by

_records = threading.Lock()


def log_of(scene: Scene, assignment: Assignment, attempt: int) -> str:
    return scene.files.worker_log(assignment.worker.id, assignment.label, attempt)


def tell_hidden(scene: Scene, assignment: Assignment, attempt: int, taken: Taken) -> None:
    """Hides keys in the worker's log, and says how many of which kind were hidden in all that it left."""
    log = log_of(scene, assignment, attempt)
    for path, kinds in {log: hide_in_log(log), **taken.hidden}.items():
        if kinds:
            scene.tell("hidden", worker=assignment.worker.id, path=path, kinds=kinds)


def record_end(scene: Scene, answer: Answer, report: Report, attempt: int, found: Found, taken: Taken) -> None:
    heard, worker = report.heard, answer.worker
    spent = spent_by(scene, worker, report)
    facts: dict[str, object] = {
        "worker": worker.id,
        "label": answer.assignment.label,
        "attempt": attempt,
        "outcome": str(answer.outcome),
        "state": str(answer.state),
        "failure": str(heard.failure),
        "message": heard.message[:500],
        "exit_status": report.exit_status,
        "seconds": round(report.seconds, 3),
        "starts": report.attempts,
        "model": spent.model,
        "usage": spent.usage,
        "denials": list(heard.denials)[:20],
    }
    with _records:
        scene.tell("ended", **facts, **taken.digests)
        if answer.outcome is not WorkerOutcome.COMPLETED:
            _record_error(scene, facts, found, taken.left)
    why = f": {heard.message}" if heard.message and answer.outcome is not WorkerOutcome.COMPLETED else ""
    scene.say(f"{answer.assignment.name}: {answer.outcome}, {answer.state} after {report.seconds:.1f} s{why[:300]}")


def _record_error(scene: Scene, facts: Mapping[str, object], found: Found, left: str) -> None:
    """The run's error log: one row for everything that did not go as it should."""
    problems = [f"line {one.line}: {one.message}" for one in found.problems[:10]]
    problems += [f"it was left at {left}"] if left else []
    row = {"v": 1, "at": scene.doors.clock.now(), "run_id": str(scene.id), **facts, "problems": problems}
    path = scene.files.errors
    fsio.make_folder(os.path.dirname(path))
    try:
        with hold(LockKind.INDEX, f"{path}.lock"):
            fsio.append_line(path, encode_line(row))
    except OkstraError as error:
        scene.say(f"the error log could not be written: {error.message}")
