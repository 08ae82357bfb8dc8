"""What is placed on a fleet, by the ledger and by what the engine says."""

from __future__ import annotations

import pytest

from okstra_ctl.fleet.job import JobState, last_words, state_at_end
from okstra_ctl.fleet.placement import MOST_ATTEMPTS, Placed, decide, room_for
from okstra_ctl.stages.select import StageState
from okstra_ctl.status import StageStatus

READY, DONE, RUNNING = StageStatus.READY, StageStatus.DONE, StageStatus.RUNNING
FAILED, LEFT, BLOCKED = StageStatus.FAILED, StageStatus.INTERRUPTED, StageStatus.BLOCKED
ROOM = 10


def states(*statuses: StageStatus) -> list[StageState]:
    return [StageState(number, "", (), (), status) for number, status in enumerate(statuses, 1)]


def jobs(*placed: tuple[JobState, int]) -> dict[int, Placed]:
    return {stage: Placed(stage, attempts, state) for stage, (state, attempts) in enumerate(placed, 1)}


def test_ready_stages_are_placed_as_far_as_there_is_room() -> None:
    assert decide(states(READY, READY, BLOCKED), {}, ROOM).submit == (1, 2)
    under_way = jobs((JobState.RUNNING, 1))
    assert decide(states(READY, READY, READY), under_way, 2).submit == (2,)
    assert decide(states(READY, READY), under_way, 1).submit == ()


@pytest.mark.parametrize("status", [LEFT, RUNNING, READY])
def test_only_a_lost_job_is_placed_again_and_not_for_ever(status: StageStatus) -> None:
    assert decide(states(status), jobs((JobState.LOST, 1)), ROOM).submit == (1,)
    spent = decide(states(status), jobs((JobState.LOST, MOST_ATTEMPTS)), ROOM)
    assert (spent.submit, len(spent.shut)) == ((), 1)
    ended = decide(states(status), jobs((JobState.ENDED, 1)), ROOM)
    assert (ended.submit, len(ended.shut)) == ((), 1)


@pytest.mark.parametrize("state", list(JobState))
def test_a_failed_gate_is_never_tried_again(state: JobState) -> None:
    assert decide(states(FAILED), jobs((state, 1)), ROOM).submit == ()


def test_a_done_stage_is_settled_whatever_the_engine_says_but_its_run_may_end() -> None:
    assert decide(states(DONE), jobs((JobState.ENDED, 1)), ROOM).forget == (1,)
    lost = decide(states(DONE), jobs((JobState.LOST, 1)), ROOM)
    assert (lost.submit, lost.merge) == ((1,), False)
    assert decide(states(DONE), jobs((JobState.LOST, MOST_ATTEMPTS)), ROOM).forget == (1,)
    assert not decide(states(DONE, READY), jobs((JobState.RUNNING, 1)), ROOM).merge


def test_it_is_over_when_nobody_is_at_work_and_nothing_can_be_begun() -> None:
    assert decide(states(DONE, FAILED, BLOCKED), {}, ROOM).over
    assert not decide(states(DONE, READY), {}, ROOM).over
    assert not decide(states(RUNNING), {}, ROOM).over  # another machine's
    assert not decide(states(BLOCKED, LEFT), {2: Placed(2, 1, JobState.WAITING)}, ROOM).over


def test_tokens_of_the_scarcest_provider_are_the_room() -> None:
    assert room_for(8, {"claude": 4, "codex": 2}, ("claude", "codex")) == 2
    assert room_for(8, {"codex": 2}, ("claude",)) == 8
    assert room_for(0, {"claude": 4}, ("claude",)) == 4
    assert room_for(0, {}, ("claude",)) > 1000


def test_jobs_of_other_targets_take_their_share_of_the_room() -> None:
    others = [("claude",), ("codex", "claude")]
    assert room_for(8, {}, ("claude",), others) == 6
    assert room_for(8, {"claude": 4}, ("claude",), others) == 2
    assert room_for(8, {"codex": 1}, ("codex",), others) == 0
    assert room_for(1, {}, ("claude",), others) == 0


def test_what_a_node_brought_to_an_end_is_lost_and_what_a_gate_did_is_ended() -> None:
    assert {state_at_end(status) for status in (0, 1, 3)} == {JobState.ENDED}
    assert {state_at_end(status) for status in (-9, 130, 137, 143, 4, 69)} == {JobState.LOST}


def test_the_last_words_of_a_job_are_its_errors() -> None:
    assert last_words("a\nb \n\n") == "b" and last_words("") == ""
    assert last_words('{"errors": [{"message": "no"}, {"message": "never"}]}\ntry: okstra status\n') == "no; never"
    assert last_words('{"errors": 3}\nend') == "end"
