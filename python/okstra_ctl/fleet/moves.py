"""What a worker does next, by the states of the plan's stages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from ..stages.select import StageState, why_not
from ..status import StageStatus

ANOTHER_MERGES = "integration-taken"
"""The error of a merge while another machine is at one."""
_MOST_LOST = 3
DONE, IDLE = "done", "idle"
_ENDS = frozenset({"persisted", "failed", "interrupted"})  # the events by which a lead records its own end
SHUT = (StageStatus.FAILED, StageStatus.CONTRACT_VIOLATED)


class What(Enum):
    RESUME = "resume"
    INTEGRATE = "integrate"
    LEAD = "lead"
    WAIT = "wait"
    END = "end"


class Move(NamedTuple):
    """`run_id`: the run to resume. `stages`: those to merge, none for all. At the end, `why`: the gates that are shut;
    `others`: somebody is still at work."""

    what: What
    run_id: str = ""
    why: str = ""
    others: bool = False
    stages: tuple[int, ...] = ()


class Seen(NamedTuple):
    """What a worker knows besides the stages' states.

    `given_up`: runs that it does not resume, by the reason. `settled`: a run that was prepared before this time, and
    that nobody leads, is no longer about to be led. `merge_fault`: why the stages could not be merged, by this worker.
    `merged`: all that is done is in the task branch. `alone`: it works on one stage only, and merges what that
    one waits for.
    """

    job: str
    until: str
    settled: str
    given_up: dict[str, str]
    merge_fault: str = ""
    merged: bool = False
    alone: bool = False


def next_move(states: Sequence[StageState], seen: Seen) -> Move:
    """Its own unfinished stage first, then what others wait for, then a new stage."""
    own = next((state for state in states if _is_left_by(state, seen) and state.run_id not in seen.given_up), None)
    if own is not None:
        return Move(What.RESUME, own.run_id)
    all_done = all(state.status is StageStatus.DONE for state in states)
    waited_for = waited_for_merge(states)
    if (waited_for or (all_done and not (seen.merged or seen.alone))) and not seen.merge_fault:
        return Move(What.INTEGRATE, stages=waited_for)
    if any(state.status is StageStatus.READY for state in states):
        return Move(What.LEAD)
    others = any(_is_at_work(state, seen) for state in states)
    if others and (seen.until == DONE or all_done):
        return Move(What.WAIT)
    return Move(What.END, why="; ".join(_shut(states, seen)), others=others)


def waited_for_merge(states: Iterable[StageState]) -> tuple[int, ...]:
    """The done stages that others wait for until they are in the task branch."""
    return tuple(sorted({number for state in states for number in state.unmerged}))


def _is_left_by(state: StageState, seen: Seen) -> bool:
    """Whether this job took the stage, and nobody leads its run."""
    if state.job != seen.job:
        return False
    return (
        state.status is StageStatus.INTERRUPTED
        or state.unpublished
        or (state.status is StageStatus.RESERVED and state.since < seen.settled)
    )


def _is_at_work(state: StageState, seen: Seen) -> bool:
    starts = state.status is StageStatus.RESERVED and bool(state.job) and state.since >= seen.settled
    return starts or state.status is StageStatus.RUNNING


def _shut(states: Iterable[StageState], seen: Seen) -> list[str]:
    shut = [why_not(state) for state in states if state.status in SHUT and not state.unpublished]
    shut += [
        seen.given_up[state.run_id] for state in states if state.run_id in seen.given_up and _is_left_by(state, seen)
    ]
    return [*shut, *filter(None, [seen.merge_fault])]


def lost_leads(events: Iterable[str]) -> int:
    """How many times the run's lead was gone without a word, by the names of its events in order."""
    lost, led = 0, False
    for event in events:
        if event == "started":
            lost, led = lost + led, True
        elif event in _ENDS:
            led = False
    return lost + led


def needs_a_person(lost: int) -> bool:
    """Whether a run that lost its lead so many times is resumed no more."""
    return lost >= _MOST_LOST
