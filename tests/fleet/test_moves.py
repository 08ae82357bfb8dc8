"""What a worker does next."""

from __future__ import annotations

import pytest

from okstra_ctl.fleet.moves import DONE, IDLE, Move, Seen, What, lost_leads, needs_a_person, next_move
from okstra_ctl.stages.select import StageState
from okstra_ctl.status import StageStatus

BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def stage(number: int, status: StageStatus, job: str = "", since: str = BEFORE, unmerged: int = 0) -> StageState:
    waits = (unmerged,) if unmerged else ()
    base = StageState(number, f"Part {number}", (), (), status, unmerged=waits, run_id=f"run-{number}")
    return base._replace(job=job, since=since)


def seen(until: str = DONE, merge_fault: str = "", merged: bool = False, **given_up: str) -> Seen:
    named = {name.replace("_", "-"): why for name, why in given_up.items()}
    return Seen("mine", until, NOW, named, merge_fault, merged)


READY, RUNNING, ENDED = StageStatus.READY, StageStatus.RUNNING, StageStatus.DONE
LEFT, RESERVED, FAILED = StageStatus.INTERRUPTED, StageStatus.RESERVED, StageStatus.FAILED


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([stage(1, READY), stage(2, LEFT, "mine")], Move(What.RESUME, "run-2")),
        ([stage(1, READY), stage(2, RESERVED, "mine")], Move(What.RESUME, "run-2")),
        ([stage(1, READY), stage(2, LEFT, "other")], Move(What.LEAD)),
        ([stage(1, READY), stage(2, StageStatus.BLOCKED, unmerged=3)], Move(What.INTEGRATE, stages=(3,))),
        ([stage(1, ENDED), stage(2, RUNNING)], Move(What.WAIT)),
        ([stage(1, RESERVED, "mine", since=NOW)], Move(What.WAIT)),  # about to be led
        ([stage(1, RESERVED)], Move(What.END)),  # a person's: nobody is at work
        ([stage(1, LEFT, "other")], Move(What.END)),
        ([stage(1, ENDED)], Move(What.INTEGRATE)),
        ([stage(1, FAILED), stage(2, RUNNING)], Move(What.WAIT)),
    ],
)
def test_the_next_move_follows_from_the_states(states: list[StageState], wanted: Move) -> None:
    assert next_move(states, seen()) == wanted


def test_the_end_names_the_gates_that_are_shut() -> None:
    assert "stage 1 failed" in next_move([stage(1, FAILED)], seen()).why
    assert next_move([stage(1, ENDED)], seen(merge_fault="a conflict")) == Move(What.END, why="a conflict")
    assert next_move([stage(1, LEFT, "mine")], seen(run_1="lost thrice")) == Move(What.END, why="lost thrice")
    assert next_move([stage(1, ENDED)], seen(merged=True)) == Move(What.END)


def test_until_idle_a_worker_waits_for_nobody_but_for_the_last_merge() -> None:
    assert next_move([stage(1, RUNNING)], seen(IDLE)) == Move(What.END, others=True)
    assert next_move([stage(1, READY)], seen(IDLE)) == Move(What.LEAD)
    assert next_move([stage(1, ENDED)], seen(IDLE)) == Move(What.INTEGRATE)


@pytest.mark.parametrize(
    ("events", "lost"),
    [
        ("", 0),
        ("started dispatched", 1),
        ("started interrupted started persisted", 0),
        ("started dispatched started ended started persisted", 2),
    ],
)
def test_a_lead_that_recorded_its_end_is_not_lost(events: str, lost: int) -> None:
    assert lost_leads(events.split()) == lost


def test_a_run_that_lost_its_lead_three_times_is_resumed_no_more() -> None:
    assert [needs_a_person(lost_leads(["started"] * lost)) for lost in range(5)] == [False, False, False, True, True]
