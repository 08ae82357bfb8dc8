"""Which moments of a run people are told about, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..names import RunId
from ..status import Failure, RunOutcome, Word, WorkerOutcome


class Moment(Word):
    NEEDS_APPROVAL = "needs-approval"
    QUESTION = "question"
    FINISHED = "finished"
    FAILED = "failed"
    BUDGET = "budget"
    QUOTA = "quota"
    STALLED = "stalled"


_WORDS = {
    Moment.NEEDS_APPROVAL: "the plan needs your approval",
    Moment.QUESTION: "there is a question for you",
    Moment.FINISHED: "finished",
    Moment.FAILED: "failed",
    Moment.BUDGET: "stopped: the budget is spent",
    Moment.QUOTA: "stopped: a provider's limit is reached",
    Moment.STALLED: "a worker has stalled",
}


_NEEDS_INPUT = "needs-input"


class Message(NamedTuple):
    title: str
    body: str


def moment_of_report(report: Mapping[str, Any], outcome: RunOutcome, events: Sequence[Mapping[str, Any]]) -> Moment:
    """The moment at which a led run has ended with its report."""
    if outcome is not RunOutcome.COMPLETED:
        return Moment.QUOTA if hit_limit(events) else Moment.FAILED
    is_open = any(row["status"] == "open" for row in report["clarifications"])
    if is_open or report["verdict"]["token"] == _NEEDS_INPUT:
        return Moment.QUESTION
    return Moment.NEEDS_APPROVAL if report["verdict"]["approval_needed"] else Moment.FINISHED


def moment_of_error(code: str) -> Moment:
    """The moment at which a led run has ended without a report."""
    return Moment.BUDGET if code == "budget-spent" else Moment.FAILED


def hit_limit(events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some worker's last attempt failed because its provider refused more for now."""
    last = {(row.get("worker"), row.get("label")): row for row in events if row.get("event") == "ended"}
    return any(
        row.get("outcome") == WorkerOutcome.QUOTA
        or (row.get("failure") == Failure.RATE_LIMIT and row.get("outcome") != WorkerOutcome.COMPLETED)
        for row in last.values()
    )


def message_of(moment: Moment, run: RunId, title: str, more: Sequence[str]) -> Message:
    """`title` is the task's, or empty; `more` are lines for the body: the verdict, the reason, the next command."""
    return Message(f"okstra: {title or run.task.task_id}: {_WORDS[moment]}", "\n".join([str(run), *filter(None, more)]))
