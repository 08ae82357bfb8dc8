"""Answers that are on disk from before: what an earlier lead of the run was given, also one that was killed."""

from __future__ import annotations

from collections import Counter

from ...agents.job import Report
from ...agents.providers import provider
from ...agents.runner import judge
from ...agents.warden_orders import Verdict
from ...core.roster import access_of
from ...edges import fsio
from ...words.hints import Any, Mapping
from ...words.outcomes import AnswerState, WorkerOutcome
from ..run_events import events_of
from .assignments import Answer, Assignment, as_answer, look
from .dispatch_records import log_of, record_end, screen
from .scene import Scene


def recalled(scene: Scene, assignment: Assignment) -> Answer:
    """The answer that stands on disk; one that was not run when there is none that counts. Raises WorkFailed."""
    mine = [row for row in events_of(scene.files) if _key(row) == (assignment.worker.id, assignment.label)]
    before = sum(row.get("event") == "dispatched" for row in mine)
    last = mine[-1] if mine else {}
    nothing = Answer(assignment, AnswerState.UNAVAILABLE, WorkerOutcome.NOT_RUN, None, before)
    if last.get("event") == "ended" and last.get("outcome") != WorkerOutcome.COMPLETED:
        return nothing
    if last.get("event") == "dispatched":
        answer = _end_untold(scene, assignment, before)
        return answer if answer.state.counts else nothing
    found = look(assignment)  # a finished turn's; without a dispatch an interactive lead's
    if not found.state.counts:
        return nothing
    return Answer(assignment, found.state, WorkerOutcome.COMPLETED, found.text, before)


def _end_untold(scene: Scene, assignment: Assignment, attempt: int) -> Answer:
    """Records how a dispatch ended whose lead was killed first: its client's stream is in the log.

    A file that looks whole is no answer of a turn that was cut off; and what the turn has cost is spent.
    """
    worker = assignment.worker
    data = fsio.read_bytes(log_of(scene, assignment, attempt)) or b""
    access = access_of(worker.role)
    heard = provider(worker.provider, scene.settings.providers).hear(data, b"", None)
    outcome, heard = judge(access, heard, Verdict(None, ""), delivered=True)
    screen(scene, assignment, attempt)
    found = look(assignment)
    answer = as_answer(assignment, found, outcome, attempt)
    record_end(scene, answer, Report(outcome, heard, None, 0.0, 1), attempt, found)
    return answer


def dispatched_before(scene: Scene, assignment: Assignment) -> int:
    """How often this was dispatched before."""
    return Counter(_key(row) for row in events_of(scene.files) if row.get("event") == "dispatched")[
        (assignment.worker.id, assignment.label)
    ]


def _key(row: Mapping[str, Any]) -> tuple[object, object]:
    return row.get("worker"), row.get("label")
