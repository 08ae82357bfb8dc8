"""In which order done stages are merged (spec 3, `okstra integrate`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..plan.graph import waves
from ..status import StageStatus
from .select import StageState


class DoneStage(NamedTuple):
    """A stage to merge, at its done commit."""

    stage: int
    commit: str
    exit_check: str


def merge_order(states: Iterable[StageState], checks: Mapping[int, str]) -> list[DoneStage]:
    """Done stages, each after those it depends on; the lowest number first where the order is free."""
    done = {state.stage: state for state in states if state.status is StageStatus.DONE and state.head_commit}
    graph = {number: tuple(need for need in state.depends_on if need in done) for number, state in done.items()}
    return [DoneStage(number, done[number].head_commit, checks[number]) for wave in waves(graph) for number in wave]
