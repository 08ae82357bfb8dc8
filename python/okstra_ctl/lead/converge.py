"""Asking the analysts about one another's findings until they are settled or the rounds are over
(docs/design/leading.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..results.convergence import (
    Ballot,
    Claim,
    Group,
    Outcome,
    Round,
    convergence_document,
    group_findings,
    outcome,
    questions,
)
from ..results.evidence import Checked
from ..results.records import Evidence, FindingClass, Gate
from ..results.worker import parse_answers
from ..system import files as fsio
from .analysis import Collected, analyse, check_results
from .assignments import Answer
from .context import RunContext
from .dispatch import dispatch
from .questions import round_assignment

_MOST_NAMED = 10


class Convergence(NamedTuple):
    """The outcome of every finding, and whether enough voices answered."""

    outcomes: tuple[Outcome, ...]
    gate: Gate
    note: str
    critique: Collected | None


def converge(context: RunContext, collected: Collected) -> Convergence:
    """Runs the rounds, and one more for the gaps that a critic finds, if the run has one. Raises as `dispatch`."""
    debate = Debate(context, collected)
    limit = context.settings.rules.max_rounds if debate.gate.open else 0
    for number in range(1, limit + 1):
        asked = questions(debate.groups, debate.ballots, list(debate.analysts), number)
        if not asked:
            break
        debate.run_round(number, asked)
    critique = analyse(context, context.workers("critic")) if context.workers("critic") else None
    if critique is not None:
        debate.add_gaps(critique)
    debate.close()
    return Convergence(debate.outcomes(), debate.gate, debate.note, critique)


def quorum_gate(context: RunContext, collected: Collected) -> tuple[Gate, str]:
    """Open when enough different voices gave an answer; a missing answer never opens it."""
    voices = set(collected.voices.values())
    silent = ", ".join(f"{worker} ({state})" for worker, state in collected.states.items() if not state.counts)
    if len(voices) >= context.quorum:
        return Gate.PASSED, f"not heard: {silent}" if silent else ""
    return Gate.ABORTED, f"{len(voices)} of {context.quorum} voices answered" + (f"; not: {silent}" if silent else "")


class Debate:
    """The findings of a run and the verdicts on them. Its state is written to disk after every round."""

    def __init__(self, context: RunContext, collected: Collected) -> None:
        self._context = context
        self._collected = collected
        self.groups = group_findings({worker: result.findings for worker, result in collected.results.items()})
        self.gate, self.note = quorum_gate(context, collected)
        self.analysts = {answer.worker.id: answer.worker for answer in collected.answers if answer.state.counts}
        self.ballots: list[Ballot] = []
        self._rounds: list[Round] = []
        self._checks: dict[Evidence, Checked] = dict(check_results(context, collected))
        self._write()

    def run_round(self, number: int, asked: Mapping[str, tuple[str, ...]]) -> None:
        """Asks each analyst about its groups, all at once."""
        context = self._context
        context.print_progress(f"round {number}: {sum(map(len, asked.values()))} questions to {len(asked)} analysts")
        by_id = {group.id: group for group in self.groups}
        assignments = [
            round_assignment(
                context, self.analysts[worker], number, [by_id[name] for name in ids], self.ballots, self._checks
            )
            for worker, ids in asked.items()
        ]
        answers = dispatch(context, assignments)
        self.ballots += [ballot for answer in answers for ballot in _ballots(answer, number)]
        self._rounds.append(Round(number, asked, {answer.worker.id: answer.state for answer in answers}))
        self._write()
        context.record_event("round-done", round=number)

    def add_gaps(self, critique: Collected) -> None:
        """A critic's gaps become findings, each verified once by every analyst."""
        claims = [Claim(worker, finding) for worker, result in critique.results.items() for finding in result.findings]
        first = len(self.groups) + 1
        gaps = tuple(Group(f"G-{number:03d}", (claim,)) for number, claim in enumerate(claims, first))
        self.groups = (*self.groups, *gaps)
        self._checks.update(check_results(self._context, critique))
        if gaps and self.gate.open:
            ids = tuple(gap.id for gap in gaps)
            self.run_round(len(self._rounds) + 1, dict.fromkeys(self.analysts, ids))
        self._write()

    def close(self) -> None:
        """After the last round: a finding with too few answers closes the gate, and missing answers are noted."""
        silent = [
            f"{worker} in round {one.number} ({state})"
            for one in self._rounds
            for worker, state in one.states.items()
            if not state.counts
        ]
        unanswered = [one.group.id for one in self.outcomes() if one.finding_class is FindingClass.ABORTED]
        notes = [self.note] if self.note else []
        if self.gate.open and unanswered:
            self.gate = Gate.ABORTED
            notes.append(f"too few have answered {_some(unanswered)}")
        if silent:
            notes.append(f"not heard: {_some(silent)}")
        self.note = "; ".join(notes)
        self._write()

    def outcomes(self) -> tuple[Outcome, ...]:
        by_group: dict[str, list[Ballot]] = {group.id: [] for group in self.groups}
        for ballot in self.ballots:
            by_group.get(ballot.answer.item, []).append(ballot)
        voices, quorum, silent = self._collected.voices, self._context.quorum, self._collected.silent
        return tuple(
            outcome(group, by_group[group.id], voices, quorum=quorum, checks=self._checks, silent=silent)
            for group in self.groups
        )

    def _write(self) -> None:
        context = self._context
        document = convergence_document(
            str(context.id),
            context.settings.rules,
            self._collected.states,
            self._rounds,
            self.outcomes(),
            self.gate,
            self.note,
        )
        fsio.replace_json(context.files.convergence, document)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _ballots(answer: Answer, number: int) -> list[Ballot]:
    if answer.text is None:
        return []
    return [Ballot(number, answer.worker.id, one) for one in parse_answers(answer.text, items=())[0]]
