"""Each end of a run is one moment, and its message names the run and the next command."""

from __future__ import annotations

from typing import Any

import pytest

from okstra_ctl.names import RunId
from okstra_ctl.notify.moments import Moment, message_of, moment_of_error, moment_of_report
from okstra_ctl.status import RunOutcome

_LIMIT = {"event": "ended", "worker": "claude-1", "label": "", "failure": "rate-limit", "outcome": "error"}
_LATER = {**_LIMIT, "failure": "none", "outcome": "completed"}


@pytest.mark.parametrize(
    ("outcome", "approval", "questions", "events", "moment"),
    [
        ("completed", True, [], [], Moment.NEEDS_APPROVAL),
        ("completed", True, ["open"], [], Moment.QUESTION),
        ("completed", False, ["answered"], [], Moment.FINISHED),
        ("failed", False, [], [], Moment.FAILED),
        ("contract-violated", False, ["open"], [], Moment.FAILED),
        ("failed", False, [], [_LIMIT], Moment.QUOTA),
        ("failed", False, [], [_LIMIT, _LATER], Moment.FAILED),
    ],
)
def test_a_report_is_one_moment(
    outcome: str, approval: bool, questions: list[str], events: list[dict[str, Any]], moment: Moment
) -> None:
    verdict = {"approval_needed": approval, "token": "ready"}
    report = {"verdict": verdict, "clarifications": [{"status": one} for one in questions]}
    assert moment_of_report(report, RunOutcome(outcome), events) is moment


def test_a_plan_that_needs_input_is_a_question() -> None:
    report = {"verdict": {"approval_needed": True, "token": "needs-input"}, "clarifications": []}
    assert moment_of_report(report, RunOutcome.COMPLETED, []) is Moment.QUESTION


def test_a_spent_budget_is_no_failure() -> None:
    assert (moment_of_error("budget-spent"), moment_of_error("busy")) == (Moment.BUDGET, Moment.FAILED)


def test_a_message_names_task_run_and_what_follows() -> None:
    run = RunId.parse("demo:core:T-1/error-analysis/001")
    message = message_of(Moment.FINISHED, run, "", ["", "next: okstra next"])
    assert message.title == f"okstra: {run.task.task_id}: finished"
    assert message.body == f"{run}\nnext: okstra next"
    assert "A title" in message_of(Moment.FAILED, run, "A title", []).title
