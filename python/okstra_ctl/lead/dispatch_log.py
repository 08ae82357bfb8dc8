"""The record of a dispatch: its end in the run's events, faults in the error log, keys hidden, tokens counted.

`recalled` reads it back: the answer that is on disk, and the missing end of a dispatch whose lead was killed.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..agents import transcripts
from ..agents.job import Report, StreamResult, Usage
from ..agents.providers import provider
from ..agents.runner import judge
from ..agents.supervisor_orders import Verdict
from ..agents.usage import Counted, claude_session, codex_thread
from ..errors import OkstraError, Unreadable
from ..leadership import all_prices, count_sessions
from ..results.records import MAX_BYTES
from ..runs.events import TAKEN, Events, events_of, is_of_session, is_same, newest, session_may_have_written
from ..settings.roster import Worker, access_of
from ..status import AnswerState, Failure, WorkerOutcome
from ..system import files, foreign_files
from ..system.locks import LockKind, locked
from ..system.secrets import hide_in_log
from ..system.text import encode_line
from ..usage.prices import usage_json
from ..usage.tokens import SESSION, STREAM, ModelTokens, Tokens
from . import result_folders
from .assignments import MAIN, Answer, Assignment, CheckedResult, answer_from, check_bytes
from .context import RunContext
from .result_folders import DropContents

_records = threading.Lock()
_MAX_LOG_BYTES = 32 * 1024 * 1024


def log_of(context: RunContext, assignment: Assignment, attempt: int) -> str:
    return context.files.worker_log(assignment.worker.id, assignment.label, attempt)


def record_hidden_keys(context: RunContext, assignment: Assignment, attempt: int, taken: DropContents) -> None:
    """Hides keys in the worker's log, and records how many of which kind were hidden in everything that it left."""
    log = log_of(context, assignment, attempt)
    for path, kinds in {log: hide_in_log(log), **taken.hidden}.items():
        if kinds:
            context.record_event("hidden", worker=assignment.worker.id, path=path, kinds=kinds)


def record_end(
    context: RunContext, answer: Answer, report: Report, attempt: int, found: CheckedResult, taken: DropContents
) -> Mapping[str, Any]:
    """Returns what it has recorded."""
    stream, worker = report.stream, answer.worker
    spent = usage_of_dispatch(context, worker, report)
    facts: dict[str, object] = {
        "worker": worker.id,
        "label": answer.assignment.label,
        "attempt": attempt,
        "outcome": str(answer.outcome),
        "state": str(answer.state),
        "failure": str(stream.failure),
        "message": stream.message[:500],
        "exit_status": report.exit_status,
        "seconds": round(report.seconds, 3),
        "starts": report.attempts,
        "model": spent.model,
        "usage": spent.usage,
        "denials": list(stream.denials)[:20],
        **({"again_at": answer.again_at} if answer.again_at else {}),
        **({"windows": [window.to_json() for window in stream.windows]} if stream.windows else {}),
    }
    with _records:
        context.record_event("ended", **facts, **taken.digests)
        if answer.outcome is not WorkerOutcome.COMPLETED:
            _record_error(context, facts, found, taken.left)
    why = ""
    if answer.outcome is not WorkerOutcome.COMPLETED:
        reason = stream.message or next((one.message for one in found.problems), "")
        why = f": {reason[:300]}" if reason else ""
        why += f"; again at {answer.again_at}" if answer.again_at else ""
        why += f"; log: {log_of(context, answer.assignment, attempt)}" if report.attempts else ""
    context.print_progress(
        f"{answer.assignment.name}: {answer.outcome}, {answer.state} after {report.seconds:.1f} s{why}"
    )
    return facts


def record_closed(context: RunContext, assignment: Assignment, attempt: int, until: str) -> Answer:
    """Records that the worker was not started, because its model takes no more requests; returns the answer."""
    worker, when = assignment.worker, f" until {until}" if until else ""
    why = f"not started: {worker.provider} ({worker.model}) takes no more requests{when}"
    answer = Answer(assignment, AnswerState.UNAVAILABLE, WorkerOutcome.QUOTA, None, attempt - 1, until)
    stream = StreamResult(ended=False, failure=Failure.RATE_LIMIT, message=why)
    nothing = CheckedResult(AnswerState.UNAVAILABLE, None, ())
    record_end(context, answer, Report(WorkerOutcome.QUOTA, stream, None, 0.0, 0), attempt, nothing, DropContents())
    return answer


def _record_error(context: RunContext, facts: Mapping[str, object], found: CheckedResult, left: str) -> None:
    """Adds a row to the run's error log, which has one for everything that went wrong."""
    problems = [f"line {one.line}: {one.message}" for one in found.problems[:10]]
    problems += [f"it was left at {left}"] if left else []
    row = {"v": 1, "at": context.services.clock.now(), "run_id": str(context.id), **facts, "problems": problems}
    path = context.files.errors
    files.make_folder(os.path.dirname(path))
    try:
        with locked(LockKind.INDEX, f"{path}.lock"):
            files.append_line(path, encode_line(row))
    except OkstraError as error:
        context.print_progress(f"the error log could not be written: {error.message}")


def recalled(context: RunContext, assignment: Assignment) -> Answer:
    """The answer on disk; an answer "not run" when there is none that counts. Raises WorkFailed."""
    events = events_of(context.files)
    mine = [row for row in events if _key(row) == (assignment.worker.id, assignment.label)]
    before = sum(row.get("event") == "dispatched" for row in mine)
    last = mine[-1] if mine else {}
    nothing = Answer(assignment, AnswerState.UNAVAILABLE, WorkerOutcome.NOT_RUN, None, before)
    if last.get("event") == "ended":
        result_folders.discard_ended(context, assignment, _mark_of(mine))
        if last.get("outcome") != WorkerOutcome.COMPLETED:
            return nothing
    if last.get("event") == "dispatched":
        answer = _record_missing_end(context, assignment, before, str(last.get("drop") or ""))
        return answer if answer.state.counts else nothing
    if not last:
        return nothing
    found = _as_taken(assignment, events, last)
    if not found.state.counts:
        return nothing
    return Answer(assignment, found.state, WorkerOutcome.COMPLETED, found.text, before)


def take_session_results(context: RunContext) -> None:
    """Takes over the results of agents inside the session that led until now, and records their digests."""
    events = events_of(context.files)
    if not session_may_have_written(events, context.run.manifest):
        return
    taken_over = False
    for worker in context.roster:
        path = context.files.worker_result(worker.id)
        if not is_of_session(worker._asdict()) or newest(events, worker.id, MAIN) is not None:
            continue
        taken = result_folders.read_in_place(path)
        if taken.data is not None:
            for place, kinds in taken.hidden.items():
                context.record_event("hidden", worker=worker.id, path=place, kinds=kinds)
            context.record_event(TAKEN, worker=worker.id, label=MAIN, **taken.digests)
            taken_over = True
    if taken_over:  # which models they were is known from the session's files
        record_sessions(context, events_of(context.files))


def record_sessions(context: RunContext, events: Events) -> None:
    """Records what the leading sessions have used, and which models answered in them. Raises WorkFailed, Missing."""
    for row in count_sessions(context.run, context.services, events, all_prices(context.settings.prices)):
        context.record_event("counted", **row)


def _as_taken(assignment: Assignment, events: Events, last: Mapping[str, Any]) -> CheckedResult:
    """The file at the result path, checked, provided it is what okstra put there."""
    try:
        data = foreign_files.read(assignment.result, MAX_BYTES)
    except Unreadable as error:
        return check_bytes(assignment, None, error.message)
    if data is not None and not is_same(events, last, data):
        return check_bytes(assignment, None, "it was changed after okstra took it over")
    return check_bytes(assignment, data)


def _mark_of(mine: Sequence[Mapping[str, Any]]) -> str:
    return next((str(row["drop"]) for row in reversed(mine) if row.get("drop")), "")


def _record_missing_end(context: RunContext, assignment: Assignment, attempt: int, mark: str) -> Answer:
    """Records how a dispatch ended whose lead was killed first, from its client's stream in the log.

    A complete file is no answer if its turn was cut off; and the turn's cost has to be counted.
    """
    worker = assignment.worker
    data = files.read_tail(log_of(context, assignment, attempt), _MAX_LOG_BYTES)
    access = access_of(worker.role)
    stream = provider(worker.provider, context.settings.providers).read_stream(data, b"", None)
    outcome, stream = judge(access, stream, Verdict(None, ""), delivered=True)
    drop = result_folders.find(context, assignment, mark) if mark else None
    if drop is not None:
        taken = result_folders.take_over(context, assignment, drop)
    else:
        taken = result_folders.DropContents() if mark else result_folders.read_in_place(assignment.result)
    record_hidden_keys(context, assignment, attempt, taken)
    found = check_bytes(assignment, taken.data, taken.fault)
    answer = answer_from(assignment, found, outcome, attempt)
    record_end(context, answer, Report(outcome, stream, None, 0.0, 1), attempt, found, taken)
    if drop is not None:
        result_folders.discard(context, assignment, drop)
    return answer


def dispatched_before(context: RunContext, assignment: Assignment) -> int:
    """How often this assignment was dispatched before."""
    return Counter(_key(row) for row in events_of(context.files) if row.get("event") == "dispatched")[
        (assignment.worker.id, assignment.label)
    ]


def _key(row: Mapping[str, Any]) -> tuple[object, object]:
    return row.get("worker"), row.get("label")


class DispatchUsage(NamedTuple):
    """The `usage` for the run's events, null when unknown, and the model that answered, None when unknown."""

    usage: dict[str, Any] | None
    model: str | None


def usage_of_dispatch(context: RunContext, worker: Worker, report: Report) -> DispatchUsage:
    """What a dispatch used. Attempts before the last left no count: with them it is a lower bound. Raises Missing."""
    stream, prices = report.stream, all_prices(context.settings.prices)
    options: dict[str, Any] = {"asked": worker.model, "prices": prices}
    once = report.attempts <= 1
    if report.outcome is WorkerOutcome.NOT_RUN or not report.attempts:
        return DispatchUsage(usage_json((), source=STREAM, whole=once, **options), stream.model)
    counted = _from_files(worker.provider, stream.session, stream.usage, context.services.environment)
    if counted is not None:
        names = [share.model for share in counted.models]
        model = stream.model or (names[0] if len(names) == 1 else None)
        whole = once and counted.whole and stream.ended
        return DispatchUsage(usage_json(counted.models, source=SESSION, whole=whole, **options), model or None)
    if stream.usage is None:
        return DispatchUsage(None, stream.model)
    shares = stream.usage.models or (ModelTokens(stream.model or "", _tokens(stream.usage), stream.usage.cost_usd),)
    usage = usage_json(shares, source=STREAM, cost=stream.usage.cost_usd, whole=once, **options)
    return DispatchUsage(usage, stream.model)


def _from_files(provider: str, session: str, usage: Usage | None, environment: Mapping[str, str]) -> Counted | None:
    """The count in the client's session file, where it knows more than the stream: codex's stream lacks the model and
    sub-agents, and claude's has no usage when the client is killed."""
    if not session:
        return None
    if provider == "claude" and usage is None:
        parts = claude_session(transcripts.claude_home(environment), session, "", lambda text: "")
        counted = (parts or {}).get("")
    elif provider == "codex":
        counted = codex_thread(transcripts.codex_home(environment), session)
        if counted is not None and usage is not None and _all(counted) < sum(_tokens(usage)):
            return None  # the file is incomplete
    else:
        return None
    return counted if counted is not None and counted.models else None


def _tokens(usage: Usage) -> Tokens:
    return Tokens(usage.input, usage.cached, usage.cache_written, usage.output)


def _all(counted: Counted) -> int:
    return sum(sum(share.tokens) for share in counted.models)
