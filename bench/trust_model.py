"""Workers of known error rates, playing okstra's own protocol over seeded bugs.

Nothing of the protocol is written anew here: grouping, questions, voices, classes, marks, what closes a finding and
what proves one are the product's functions. Only the workers are made up, and what okstra's runs come to.

Errors are shared by drawing less often. Each thing that workers may err on has a draw that all of them use with chance
`across`; else, with what is left of `within`, one that a family uses; else each has its own. For equal rates the
correlation of two workers' errors is then just that, and all n of one family each miss with across·m + (1−across)·mⁿ.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trust_rates import CRITIC, FLAKY, INDEPENDENT, Shared, Worker

from okstra_ctl.results.commands import Seen, checked_command
from okstra_ctl.results.convergence import Ballot, Claim, Group, Outcome, group_findings, outcome, questions
from okstra_ctl.results.evidence import Checked
from okstra_ctl.results.proofs import OpenFinding, proof_of
from okstra_ctl.results.records import (
    Answer,
    Basis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingClass,
    FindingSeverity,
    Mark,
    Verdict,
)
from okstra_ctl.results.voices import Speaker, voices

BUG = Evidence("src/bug.py", 10, 12, "the bug", "", None)
TRUSTED = (FindingClass.CONSENSUS, FindingClass.MAJORITY)
NONE, BELIEVED, RUN = "none", "believed", "run"


class Rules(NamedTuple):
    """The protocol's switches. `commands`: nobody cites any, or their exits are believed, or okstra runs them;
    `hidden`: who has not given a verdict yet is not shown what the runs came to; `red_green`: open findings are run
    again with the work. `blind`: the chance that no analyst can see the bug."""

    rounds: int = 2
    adversarial: bool = True
    evidence: bool = True
    critic: bool = False
    blind: float = 0.0
    shared: Shared = INDEPENDENT
    commands: str = NONE
    hidden: bool = True
    red_green: bool = False


# What the protocol changes in a worker: assumptions, stated in docs/trust.md.
_ADVERSARIAL_BELIEF, _ADVERSARIAL_DOUBT, _SHOWN_FAKE_BELIEF = 0.5, 1.5, 0.2
_CLAIM_BELIEF, _CLAIM_DOUBT = 1.3, 0.7
_GREEN_BELIEF, _GREEN_DOUBT = 0.72, 0.2
_CONTRADICTED_BELIEF, _CONTRADICTED_DOUBT = 0.2, 2.0


class Result(NamedTuple):
    """Of one task with one bug: what became of the bug, and whether of anything false."""

    raised: bool
    trusted: bool
    closed: bool
    shown: bool
    proven: bool
    false_trusted: bool
    false_open: bool
    false_shown: bool
    false_proven: bool
    """Among what analysts agreed on, as `shown` is."""
    false_proven_alone: bool
    """Among what they did not."""


class Command(NamedTuple):
    """What okstra would see of a command: it ends as cited, or otherwise, or now so and now so; and whether it is green
    with the work."""

    status: EvidenceStatus
    turns: bool


class Draws:
    """Numbers from 0 to 1 for one thing to err on: one for all, one for a family, or one for each."""

    def __init__(self, across: float, within: float, chance: random.Random) -> None:
        self._chance = chance
        self._all = ("all", chance.random()) if chance.random() < across else None
        self._rest = max(0.0, within - across) / (1 - across) if across < 1 else 0.0
        self._families: dict[str, tuple[str, float] | None] = {}

    def of(self, name: str, family: str) -> tuple[str, float]:
        """Whose number it is, and the number."""
        if self._all is not None:
            return self._all
        if family not in self._families:
            shared = self._chance.random() < self._rest
            self._families[family] = (family, self._chance.random()) if shared else None
        return self._families[family] or (name, self._chance.random())


class Play:
    """One task with one seeded bug."""

    def __init__(self, workers: Sequence[Worker], rules: Rules, chance: random.Random) -> None:
        self.rules, self.chance = rules, chance
        self.workers = {f"w{number}": worker for number, worker in enumerate(workers)}
        self.families = {name: worker.family or name for name, worker in self.workers.items()}
        self.checks: dict[Evidence, Checked] = {}
        self.runs: dict[Evidence, Command] = {}
        self.ballots: list[Ballot] = []
        self.refutations: dict[tuple[str, str], tuple[Evidence, ...]] = {}
        self.blind = chance.random() < rules.blind
        self.groups: tuple[Group, ...] = ()

    def play(self) -> Result:
        self.groups = group_findings(self._results())
        for number in range(1, self.rules.rounds + 1):
            asked = questions(self.groups, self.ballots, list(self.workers), number)
            if not asked:
                break
            self.ballots += self._answers(asked, number)
        if self.rules.critic:
            gaps = self._gaps()
            self.groups = (*self.groups, *gaps)
            self.ballots += self._answers(
                dict.fromkeys(self.workers, tuple(gap.id for gap in gaps)), self.rules.rounds + 1
            )
        speaking = voices({name: Speaker(family) for name, family in self.families.items()})
        found = [outcome(group, self.ballots, speaking, quorum=2, checks=self.checks) for group in self.groups]
        bug, false = [one for one in found if _is_bug(one.group)], [one for one in found if not _is_bug(one.group)]
        return Result(
            raised=bool(bug),
            trusted=any(one.finding_class in TRUSTED for one in bug),
            closed=any(one.closed_by for one in bug),
            shown=any(self._shown(one) for one in bug),
            proven=any(self._shown(one) and self._proven(one) for one in bug),
            false_trusted=any(one.finding_class in TRUSTED for one in false),
            false_open=any(not one.closed_by for one in false),
            false_shown=any(self._shown(one) for one in false),
            false_proven=any(self._shown(one) and self._proven(one) for one in false),
            false_proven_alone=any(not self._shown(one) and self._proven(one) for one in false),
        )

    def _shown(self, one: Outcome) -> bool:
        return self.rules.commands == RUN and one.mark is Mark.SHOWN

    def _proven(self, one: Outcome) -> bool:
        """Whether final verification proves it: the work has mended the bug, and nothing that is false."""
        if not self.rules.red_green or one.closed_by:
            return False
        cited = [line for line in one.group.evidence if line.exit]
        seen = {}
        for line in cited:
            run = self.runs[line]
            before = line.exit or 0 if run.status is EvidenceStatus.VERIFIED else 0
            seen[line.command, "base"] = Seen(line.command, "base", (before,))
            seen[line.command, "head"] = Seen(line.command, "head", (0 if run.turns or not before else before,))
        commands = tuple((line.command, line.exit or 0) for line in cited)
        finding = OpenFinding("r", one.group.id, "high", "", "base", commands)
        return bool(cited) and proof_of(finding, "head", seen).mark is Mark.PROVEN

    def _results(self) -> Mapping[str, Sequence[Finding]]:
        shared, chance = self.rules.shared, self.chance
        misses = Draws(shared.across, shared.within, chance)
        inventions = Draws(shared.invention_across, shared.invention_within, chance)
        fakes: dict[str, bool] = {}
        results: dict[str, list[Finding]] = {}
        for name, worker in self.workers.items():
            found: list[Finding] = []
            if not self.blind and misses.of(name, self.families[name])[1] >= worker.miss:
                found.append(self._finding(len(found) + 1, "the bug", BUG, name, worker))
            whose, number = inventions.of(name, self.families[name])
            if number < worker.invent:
                fake = fakes.setdefault(whose, chance.random() < worker.fake)
                found.append(self._false(len(found) + 1, whose, name, worker, fake=fake))
            results[name] = found
        return results

    def _false(self, number: int, whose: str, name: str, worker: Worker, *, fake: bool) -> Finding:
        place = Evidence(f"src/{whose}.py", 1, 1, "something else", "", None)
        if self.rules.evidence:
            self.checks[place] = Checked(place, EvidenceStatus.NOT_FOUND if fake else EvidenceStatus.VERIFIED)
        return self._finding(number, f"no bug, by {whose}", place, name, worker)

    def _finding(self, number: int, claim: str, place: Evidence, name: str, worker: Worker) -> Finding:
        if place is BUG:
            self.checks[BUG] = Checked(BUG, EvidenceStatus.VERIFIED)
        weak = worker.reproduce if place is BUG else worker.weak
        turn = 1.0 if place is BUG else worker.weak_turn / worker.weak
        line = self._command(f"test {place.path} {name}", 1, weak, turn, worker)
        evidence = (place, *([line] if line else []))
        return Finding(f"F-{number:03d}", FindingSeverity.HIGH, claim, claim, evidence, None, 1)

    def _command(self, text: str, exit_code: int, honest: float, turns: float, worker: Worker) -> Evidence | None:
        """A command that is cited, and what okstra sees of it."""
        if self.rules.commands == NONE:
            return None
        is_honest = self.chance.random() < honest
        if not is_honest and self.chance.random() >= worker.fabricate:
            return None
        line = Evidence("", 0, 0, "", text, exit_code)
        seen = exit_code if is_honest or self.rules.commands == BELIEVED else 1 - exit_code
        flaky = self.rules.commands == RUN and self.chance.random() < FLAKY
        exits = (1 - exit_code, exit_code) if flaky else (seen,)
        self.checks[line] = checked_command(line, Seen(text, "base", exits))
        self.runs[line] = Command(self.checks[line].status, self.chance.random() < turns)
        return line

    def _answers(self, asked: Mapping[str, tuple[str, ...]], number: int) -> list[Ballot]:
        by_id = {group.id: group for group in self.groups}
        shared = self.rules.shared
        draws = {one: Draws(shared.across, shared.within, self.chance) for one in by_id}
        ballots = []
        for name, ids in asked.items():
            worker = self.workers[name]
            for one in ids:
                if self.chance.random() < worker.silent:
                    continue
                group = by_id[one]
                errs = draws[one].of(name, self.families[name])[1] < self._error(worker, name, group)
                agrees = errs != _is_bug(group)
                lines: tuple[Evidence, ...] = ()
                if not agrees:
                    lines = self._refutation(worker, name, group)
                verdict = Verdict.AGREE if agrees else Verdict.DISAGREE
                ballots.append(Ballot(number, name, Answer(one, verdict, Basis.EVIDENCE, "because", lines, 1)))
        return ballots

    def _refutation(self, worker: Worker, name: str, group: Group) -> tuple[Evidence, ...]:
        """What a worker cites against a finding: in a later round the same, and without any it looks again."""
        if not self.refutations.get((name, group.id)):
            honest = worker.weak_refutation if _is_bug(group) else worker.reproduce
            line = self._command(f"refute {group.id} {name}", 0, honest, 0.0, worker)
            self.refutations[name, group.id] = (line,) if line else ()
        return self.refutations[name, group.id]

    def _error(self, worker: Worker, name: str, group: Group) -> float:
        """How likely the worker errs on the finding: doubts the bug, or believes what is false."""
        bug, rules = _is_bug(group), self.rules
        if bug:
            rate = worker.doubt * (_ADVERSARIAL_DOUBT if rules.adversarial else 1)
        else:
            base = worker.hold if name in group.raisers else worker.believe
            rate = base * (_ADVERSARIAL_BELIEF if rules.adversarial and name not in group.raisers and base < 1 else 1)
            if any(self._is_fake(line) for line in group.evidence):
                rate *= _SHOWN_FAKE_BELIEF
        return min(1.0, self._moved(rate, name, group, bug=bug))

    def _is_fake(self, line: Evidence) -> bool:
        return line.exit is None and line in self.checks and self.checks[line].status is EvidenceStatus.NOT_FOUND

    def _moved(self, rate: float, name: str, group: Group, *, bug: bool) -> float:
        """The rate of a reader who sees a command beside the claim: that it is cited, or what okstra saw of it. Who has
        given a verdict before is not persuaded by a green run, but is told that a command is contradicted."""
        cited = [line for line in group.evidence if line.exit is not None]
        if not cited or self.rules.commands == NONE:
            return rate
        committed = name in group.raisers or any(
            ballot.worker == name and ballot.answer.item == group.id for ballot in self.ballots
        )
        if self.rules.commands == BELIEVED or (self.rules.hidden and not committed):
            return rate * (_CLAIM_DOUBT if bug else _CLAIM_BELIEF)
        statuses = {self.checks[line].status for line in cited}
        if EvidenceStatus.VERIFIED in statuses:
            if self.rules.hidden:
                return rate
            return rate * _GREEN_DOUBT if bug else max(rate, _GREEN_BELIEF)
        return rate * (_CONTRADICTED_DOUBT if bug else _CONTRADICTED_BELIEF)

    def _gaps(self) -> tuple[Group, ...]:
        """What the critic says that all have missed."""
        gaps = []
        if not any(map(_is_bug, self.groups)) and not self.blind and self.chance.random() >= CRITIC.miss:
            gaps.append(self._finding(1, "the bug", BUG, "critic", CRITIC))
        if self.chance.random() < CRITIC.invent:
            gaps.append(self._false(2, "critic", "critic", CRITIC, fake=self.chance.random() < CRITIC.fake))
        first = len(self.groups) + 1
        return tuple(Group(f"G-{number:03d}", (Claim("critic", gap),)) for number, gap in enumerate(gaps, first))


def _is_bug(group: Group) -> bool:
    return BUG in group.evidence
