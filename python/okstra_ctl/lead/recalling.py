"""Answers that are on disk from before: what an earlier lead of the run was given, also one that was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..agents.job import Report
from ..agents.providers import provider
from ..agents.runner import judge
from ..agents.supervisor_orders import Verdict
from ..errors import Unreadable
from ..outcomes import AnswerState, WorkerOutcome
from ..results.rules import MAX_BYTES
from ..runs.events import events_of
from ..runs.taken_results import TAKEN, Events, is_of_session, is_same, newest, session_may_have_written
from ..settings.roster import access_of
from ..system import files as fsio
from ..system import foreign_files
from . import drops
from .assignments import MAIN, Answer, Assignment, Found, as_answer, look
from .context import Scene
from .dispatch_log import log_of, record_end, tell_hidden

_MOST_HEARD = 32 * 1024 * 1024


def recalled(scene: Scene, assignment: Assignment) -> Answer:
    """The answer that stands on disk; one that was not run when there is none that counts. Raises WorkFailed."""
    events = events_of(scene.files)
    mine = [row for row in events if _key(row) == (assignment.worker.id, assignment.label)]
    before = sum(row.get("event") == "dispatched" for row in mine)
    last = mine[-1] if mine else {}
    nothing = Answer(assignment, AnswerState.UNAVAILABLE, WorkerOutcome.NOT_RUN, None, before)
    if last.get("event") == "ended":
        drops.discard_ended(scene, assignment, _mark_of(mine))
        if last.get("outcome") != WorkerOutcome.COMPLETED:
            return nothing
    if last.get("event") == "dispatched":
        answer = _end_untold(scene, assignment, before, str(last.get("drop") or ""))
        return answer if answer.state.counts else nothing
    if not last:
        return nothing
    found = _as_taken(assignment, events, last)
    if not found.state.counts:
        return nothing
    return Answer(assignment, found.state, WorkerOutcome.COMPLETED, found.text, before)


def take_session_results(scene: Scene) -> None:
    """Of agents inside the session that led until now: okstra takes what stands there, and remembers its digest."""
    events = events_of(scene.files)
    if not session_may_have_written(events, scene.run.manifest):
        return
    for worker in scene.roster:
        path = scene.files.worker_result(worker.id)
        if not is_of_session(worker._asdict()) or newest(events, worker.id, MAIN) is not None:
            continue
        taken = drops.as_it_stands(path)
        if taken.data is not None:
            for place, kinds in taken.hidden.items():
                scene.tell("hidden", worker=worker.id, path=place, kinds=kinds)
            scene.tell(TAKEN, worker=worker.id, label=MAIN, **taken.digests)


def _as_taken(assignment: Assignment, events: Events, last: Mapping[str, Any]) -> Found:
    """What stands at the result path, if it is what okstra put there."""
    try:
        data = foreign_files.read(assignment.result, MAX_BYTES)
    except Unreadable as error:
        return look(assignment, None, error.message)
    if data is not None and not is_same(events, last, data):
        return look(assignment, None, "it was changed after okstra took it over")
    return look(assignment, data)


def _mark_of(mine: Sequence[Mapping[str, Any]]) -> str:
    return next((str(row["drop"]) for row in reversed(mine) if row.get("drop")), "")


def _end_untold(scene: Scene, assignment: Assignment, attempt: int, mark: str) -> Answer:
    """Records how a dispatch ended whose lead was killed first: its client's stream is in the log.

    A file that looks whole is no answer of a turn that was cut off; and what the turn has cost is spent.
    """
    worker = assignment.worker
    data = fsio.read_tail(log_of(scene, assignment, attempt), _MOST_HEARD)
    access = access_of(worker.role)
    heard = provider(worker.provider, scene.settings.providers).hear(data, b"", None)
    outcome, heard = judge(access, heard, Verdict(None, ""), delivered=True)
    drop = drops.find(scene, assignment, mark) if mark else None
    if drop is not None:
        taken = drops.take_over(scene, assignment, drop)
    else:
        taken = drops.Taken() if mark else drops.as_it_stands(assignment.result)
    tell_hidden(scene, assignment, attempt, taken)
    found = look(assignment, taken.data, taken.fault)
    answer = as_answer(assignment, found, outcome, attempt)
    record_end(scene, answer, Report(outcome, heard, None, 0.0, 1), attempt, found, taken)
    if drop is not None:
        drops.discard(scene, assignment, drop)
    return answer


def dispatched_before(scene: Scene, assignment: Assignment) -> int:
    """How often this was dispatched before."""
    return Counter(_key(row) for row in events_of(scene.files) if row.get("event") == "dispatched")[
        (assignment.worker.id, assignment.label)
    ]


def _key(row: Mapping[str, Any]) -> tuple[object, object]:
    return row.get("worker"), row.get("label")
