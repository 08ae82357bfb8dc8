"""What a worker that waits says, and how long it waits."""

from __future__ import annotations

import pytest

from okstra_ctl.errors import Missing
from okstra_ctl.fleet.waiting import UNREACHABLE, Silence, WaitNotice, waited_for
from okstra_ctl.stages.select import StageState
from okstra_ctl.status import StageStatus

RUNNING = StageState(1, "Part", (), (), StageStatus.RUNNING, run_id="demo:core:T 1/implementation/stage-1/001")


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_remote_that_does_not_answer_is_waited_for_ten_minutes_and_then_its_error_stands() -> None:
    clock, shown, error = Clock(), list[str](), Missing(UNREACHABLE, "origin did not answer")
    silence = Silence(shown.append, clock)
    for clock.seconds in (0.0, 5.0, 599.0):
        silence.note(error)
    assert shown == ["origin did not answer; trying again for 10 minutes"]
    silence.end()
    clock.seconds = 1200.0
    silence.note(error)
    clock.seconds = 1800.0
    with pytest.raises(Missing) as raised:
        silence.note(error)
    assert (raised.value.code, raised.value.exit_status) == (UNREACHABLE, 69)


def test_who_waits_says_for_whom_at_once_and_again_after_minutes() -> None:
    clock, shown = Clock(), list[str]()
    notice = WaitNotice(shown.append, clock)
    notice.say(waited_for([RUNNING]))
    clock.seconds = 60.0
    notice.say(waited_for([RUNNING]))
    assert len(shown) == 1
    assert "stage 1 is running" in shown[0]
    clock.seconds = 600.0
    notice.say(waited_for([RUNNING]))
    assert len(shown) == 2
    notice.say(waited_for([RUNNING._replace(stage=2)]))
    assert "stage 2" in shown[2]


def test_the_way_to_take_a_stage_from_a_machine_that_is_gone_is_named_ready_to_be_copied() -> None:
    assert "okstra" not in waited_for([RUNNING]), "its own machine knows whether it lives"
    text = waited_for([RUNNING._replace(host="laptop")])
    assert "okstra stage release --run 'demo:core:T 1/implementation/stage-1/001' --force" in text
    assert waited_for([RUNNING._replace(status=StageStatus.READY)]) == ""
