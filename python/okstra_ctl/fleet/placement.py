"""Which stages are placed on the fleet now, by the ledger and by what the engine says of earlier jobs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..stages.select import StageState, why_not
from ..status import StageStatus
from .job import JobState
from .moves import SHUT

MOST_ATTEMPTS = 3
"""So often is a stage placed when its nodes are lost; then a person has to look."""
_NO_LIMIT = 10_000


class Placed(NamedTuple):
    """A stage's job: how often it was placed, and what the engine says of the last time."""

    stage: int
    attempts: int
    state: JobState
    last_words: str = ""

    @property
    def may_be_repeated(self) -> bool:
        return self.state is JobState.LOST and self.attempts < MOST_ATTEMPTS


class Decision(NamedTuple):
    """`submit`: stages to place, for the first time or again. `forget`: jobs whose stages are settled. `shut`: why
    stages stay as they are. `merge`: stages wait for a merge. `over`: nobody is at work, and nothing can be begun."""

    submit: tuple[int, ...]
    forget: tuple[int, ...]
    shut: tuple[str, ...]
    merge: bool
    over: bool


def decide(states: Sequence[StageState], placed: Mapping[int, Placed], room: int) -> Decision:
    """`room`: how many jobs may be under way at once, these included."""
    under_way = [one.stage for one in placed.values() if one.state.under_way]
    wanted: list[int] = []
    forget: list[int] = []
    shut: list[str] = []
    for state in states:
        job = placed.get(state.stage)
        if job is not None and job.state.under_way:
            continue
        if state.status is StageStatus.DONE and job is not None and job.may_be_repeated:
            wanted.append(state.stage)  # its run may have been about to write its report
        elif state.status in (StageStatus.DONE, *SHUT):
            forget += [state.stage] if job else []
            shut += [why_not(state)] if state.status in SHUT else []
        elif job is None:
            wanted += [state.stage] if state.status is StageStatus.READY else []
        elif job.state is JobState.ENDED:
            shut.append(f"stage {state.stage}: its job ended without it: {job.last_words or 'it printed nothing'}")
        elif job.may_be_repeated:
            wanted.append(state.stage)
        else:
            shut.append(f"stage {state.stage} was lost with its node {job.attempts} times")
    all_done = all(state.status is StageStatus.DONE for state in states)
    ending = any(state.status is StageStatus.DONE and state.stage in {*under_way, *wanted} for state in states)
    merge = (any(state.unmerged for state in states) or all_done) and not ending
    at_work = any(state.status is StageStatus.RUNNING for state in states)
    over = not (under_way or wanted or at_work)
    return Decision(tuple(wanted[: max(0, room - len(under_way))]), tuple(forget), tuple(shut), merge, over)


def room_for(
    jobs: int, tokens: Mapping[str, int], providers: Sequence[str], others: Sequence[Sequence[str]] = ()
) -> int:
    """How many jobs that ask these providers may be under way at once. `others`: whom each other job asks that is."""
    limits = [tokens[name] - sum(name in asked for asked in others) for name in providers if name in tokens]
    return max(0, min([(jobs or _NO_LIMIT) - len(others), *limits]))
