"""What this machine makes of the shared state: whose a stage is, and which of its own claims are nobody's."""

from __future__ import annotations

import pytest

from okstra_ctl.names import Owner, TaskKey
from okstra_ctl.remote.shared_task import Approval, Claim, Hold, Holder, SharedStage, SharedTask
from okstra_ctl.sharing.view import orphans, view_of

_DIGEST = "d" * 64
_KEY = TaskKey.parse("p:g:1")
_AT = "2026-01-02T03:04:05Z"


def _holder(machine: str, job: str = "") -> Holder:
    return Holder(machine, Owner(f"host-{machine}", "boot", 1, "1"), job)


def _stage(status: str = "claimed", machine: str = "b", job: str = "", **more: str) -> SharedStage:
    claim = Claim(Hold(status), 3, "token", _holder(machine, job), _AT)
    head = "c" * 40 if status == "done" else ""
    run = f"{_KEY}/implementation/stage-1/002"
    return SharedStage(claim, _DIGEST, 2, run, "a" * 40, head, unknown=more)


def _task(stage: SharedStage) -> SharedTask:
    runs = {"implementation/stage-1": 3}
    return SharedTask(_KEY, "a" * 40, Approval(_DIGEST, "somebody", _AT), runs, {1: stage})


_ME = _holder("a", "night")


@pytest.mark.parametrize(
    "stage, shown",
    [
        (_stage(), "host-b"),
        (_stage(machine="a"), None),
        (_stage(job="night"), None),
        (_stage(job="day"), "host-b"),
        (_stage("released"), None),
        (_stage("done"), "host-b"),
        (_stage("done", machine="a"), ""),
    ],
    ids=["another machine's", "its own", "the same job's", "another job's", "given back", "done there", "done here"],
)
def test_whose_a_stage_is(stage: SharedStage, shown: str | None) -> None:
    view = view_of(_task(stage), _ME)
    assert (view.stages[1].host if 1 in view.stages else None) == shown
    assert (view.next_epoch(1), view.next_seq(1), view.next_seq(2)) == (4, 3, 1), "whatever became of it"


def test_a_stage_whose_lease_is_over_may_be_taken() -> None:
    assert view_of(_task(_stage()), _ME, free=[1]).stages == {}


def test_a_done_stage_says_whether_its_runs_gates_are_open_and_why_they_were_overruled() -> None:
    shown = view_of(_task(_stage("done", gates="open", overrule="looked at it")), _ME).stages[1]
    assert (shown.done, shown.gates_open, shown.overrule) == (True, True, "looked at it")


@pytest.mark.parametrize(
    "machine, status, known, expected",
    [
        ("a", "claimed", [], {1: "token"}),
        ("a", "claimed", ["token"], {}),
        ("a", "claimed", [f"{_KEY}/implementation/stage-1/002"], {}),
        ("a", "released", [], {}),
        ("b", "claimed", [], {}),
    ],
    ids=["nobody's", "known by token", "known by run, after a rebuild", "given back", "another machine's"],
)
def test_claims_of_this_machine_that_it_does_not_know_are_nobodys(
    machine: str, status: str, known: list[str], expected: dict[int, str]
) -> None:
    assert orphans(_task(_stage(status, machine)), _ME, known) == expected
