"""Workers of known error rates, playing okstra's own protocol over seeded bugs.

Nothing of the protocol is written anew here: grouping, questions, classes and the acceptance gate are the product's
functions. Only the workers are made up, and their rates are stated beside every figure.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from okstra_ctl.results.convergence import Ballot, Claim, Group, Outcome, group_findings, outcome, questions
from okstra_ctl.results.evidence import Checked
from okstra_ctl.results.records import (
    Answer,
    Basis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingClass,
    FindingSeverity,
    Verdict,
)

BUG = Evidence("src/bug.py", 10, 12, "the bug", "", None)
_TRUSTED = (FindingClass.CONSENSUS, FindingClass.MAJORITY)


class Worker(NamedTuple):
    """Rates from 0 to 1. `miss`: it does not raise the bug. `invent`: it raises a false finding. `fake`: a false
    finding quotes what is not there. `believe`: it agrees with a false finding. `doubt`: it disagrees with the bug.
    `silent`: it gives no answer in rounds."""

    miss: float = 0.3
    invent: float = 0.2
    fake: float = 0.5
    believe: float = 0.3
    doubt: float = 0.1
    silent: float = 0.0


class Rules(NamedTuple):
    """The protocol's switches. `blind`: the chance that a bug is such that no analyst sees it (errors that are
    shared, not independent)."""

    rounds: int = 2
    adversarial: bool = True
    evidence: bool = True
    critic: bool = False
    blind: float = 0.0


CAREFUL = Worker()
KINDS = {
    "careful": CAREFUL,
    "agrees with anything": CAREFUL._replace(believe=1.0, doubt=0.0),
    "contrarian": CAREFUL._replace(believe=0.0, doubt=1.0),
    "silent in rounds": CAREFUL._replace(silent=1.0),
    "finds nothing": CAREFUL._replace(miss=1.0, invent=0.0),
}
CRITIC = Worker(miss=0.7, invent=0.1)
# What the protocol changes in a worker: assumptions, stated in docs/trust.md.
_ADVERSARIAL_BELIEF, _ADVERSARIAL_DOUBT, _SHOWN_FAKE_BELIEF = 0.5, 1.5, 0.2


class Result(NamedTuple):
    """Of one task with one bug: is the bug raised, is it among what the report trusts, and is anything false there?"""

    raised: bool
    trusted: bool
    false_trusted: bool
    blocked: bool


def play(workers: list[Worker], rules: Rules, chance: random.Random) -> Result:
    """One task with one seeded bug."""
    names = {f"w{number}": worker for number, worker in enumerate(workers)}
    blind = chance.random() < rules.blind
    checks: dict[Evidence, Checked] = {}
    results = {name: _findings(name, worker, blind, rules, chance, checks) for name, worker in names.items()}
    groups = group_findings(results)
    voices = {name: name for name in names}
    ballots: list[Ballot] = []
    for number in range(1, rules.rounds + 1):
        asked = questions(groups, ballots, list(names), number)
        if not asked:
            break
        ballots += _answers(asked, groups, names, rules, chance, checks, number)
    if rules.critic:
        gaps = _gaps(groups, blind, rules, chance, checks)
        groups = (*groups, *gaps)
        ids = tuple(gap.id for gap in gaps)
        ballots += _answers(dict.fromkeys(names, ids), groups, names, rules, chance, checks, rules.rounds + 1)
    found = [outcome(group, ballots, voices, quorum=2, checks=checks) for group in groups]
    bug = [one for one in found if _is_bug(one.group)]
    false = [one for one in found if not _is_bug(one.group)]
    return Result(
        raised=bool(bug),
        trusted=any(one.finding_class in _TRUSTED for one in bug),
        false_trusted=any(one.finding_class in _TRUSTED for one in false),
        blocked=any(_open(one) for one in false),
    )


def _open(one: Outcome) -> bool:
    return not one.closed_by


def _is_bug(group: Group) -> bool:
    return BUG in group.evidence


def _findings(
    name: str, worker: Worker, blind: bool, rules: Rules, chance: random.Random, checks: dict[Evidence, Checked]
) -> list[Finding]:
    found = []
    if not blind and chance.random() >= worker.miss:
        found.append(_finding(f"F-{len(found) + 1:03d}", "the bug", BUG))
        checks[BUG] = Checked(BUG, EvidenceStatus.VERIFIED)
    if chance.random() < worker.invent:
        found.append(_false(f"F-{len(found) + 1:03d}", name, worker, rules, chance, checks))
    return found


def _false(
    number: str, name: str, worker: Worker, rules: Rules, chance: random.Random, checks: dict[Evidence, Checked]
) -> Finding:
    place = Evidence(f"src/{name}.py", 1, 1, "something else", "", None)
    fake = chance.random() < worker.fake
    if rules.evidence:
        checks[place] = Checked(place, EvidenceStatus.NOT_FOUND if fake else EvidenceStatus.VERIFIED)
    return _finding(number, f"no bug, by {name}", place)


def _finding(number: str, claim: str, evidence: Evidence) -> Finding:
    return Finding(number, FindingSeverity.HIGH, claim, claim, (evidence,), None, 1)


def _gaps(
    groups: tuple[Group, ...], blind: bool, rules: Rules, chance: random.Random, checks: dict[Evidence, Checked]
) -> tuple[Group, ...]:
    gaps = []
    if not any(_is_bug(group) for group in groups) and not blind and chance.random() >= CRITIC.miss:
        gaps.append(_finding("F-001", "the bug", BUG))
        checks[BUG] = Checked(BUG, EvidenceStatus.VERIFIED)
    if chance.random() < CRITIC.invent:
        gaps.append(_false("F-002", "critic", CRITIC, rules, chance, checks))
    first = len(groups) + 1
    return tuple(Group(f"G-{number:03d}", (Claim("critic", gap),)) for number, gap in enumerate(gaps, first))


def _answers(
    asked: dict[str, tuple[str, ...]],
    groups: tuple[Group, ...],
    names: dict[str, Worker],
    rules: Rules,
    chance: random.Random,
    checks: dict[Evidence, Checked],
    number: int,
) -> list[Ballot]:
    by_id = {group.id: group for group in groups}
    ballots = []
    for name, ids in asked.items():
        worker = names[name]
        for one in ids:
            if chance.random() >= worker.silent:
                agrees = chance.random() < _agreement(worker, by_id[one], rules, checks)
                verdict = Verdict.AGREE if agrees else Verdict.DISAGREE
                ballots.append(Ballot(number, name, Answer(one, verdict, Basis.EVIDENCE, "because", (), 1)))
    return ballots


def _agreement(worker: Worker, group: Group, rules: Rules, checks: dict[Evidence, Checked]) -> float:
    if _is_bug(group):
        return 1 - min(1.0, worker.doubt * (_ADVERSARIAL_DOUBT if rules.adversarial else 1))
    belief = worker.believe * (_ADVERSARIAL_BELIEF if rules.adversarial and worker.believe < 1 else 1)
    shown = [checks[line].status for line in group.evidence if line in checks]
    return belief * (_SHOWN_FAKE_BELIEF if EvidenceStatus.NOT_FOUND in shown else 1)
