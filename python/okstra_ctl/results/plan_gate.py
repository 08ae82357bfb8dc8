"""What the analysts' verdicts on a finished plan make of its gate (spec 5, "Plans get the same treatment")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .findings import Gate, Verdict
from .records import Answer


class Objection(NamedTuple):
    """A part of the plan that half of those who answered, or more, would not let pass, with their reasons.

    A tie blocks: a gate in doubt stays shut.
    """

    item: str
    reasons: tuple[str, ...]


class PlanGate(NamedTuple):
    gate: Gate
    objections: tuple[Objection, ...]
    dissent: tuple[Objection, ...]


def plan_gate(
    answers: Mapping[str, Sequence[Answer]], voices: Mapping[str, str], items: Sequence[str], *, quorum: int
) -> PlanGate:
    """`answers` by analyst, only of those whose answers count; `voices` their voices; `items` the plan's parts."""
    if len({voices[worker] for worker in answers}) < quorum:
        return PlanGate(Gate.ABORTED, (), ())
    objections: list[Objection] = []
    dissent: list[Objection] = []
    for item in items:
        given = [(worker, answer) for worker, all_of in answers.items() for answer in all_of if answer.item == item]
        against = [f"{worker}: {answer.reason}" for worker, answer in given if answer.verdict is Verdict.DISAGREE]
        if against:
            (objections if 2 * len(against) >= len(given) else dissent).append(Objection(item, tuple(against)))
    if objections:
        return PlanGate(Gate.BLOCKED, tuple(objections), tuple(dissent))
    return PlanGate(Gate.DISSENT if dissent else Gate.PASSED, (), tuple(dissent))
