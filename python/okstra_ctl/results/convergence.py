"""How analysts' findings become one verdict: grouping them, what is asked in a round, outcomes, the plan's gate.

Pure rules (docs/design/leading.md). `state/convergence-<seq>.json` is derived from results and answers, so a crash can
lose nothing of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..status import AnswerState
from .evidence import Checked, finding_status, stands_on_nothing
from .records import (
    Answer,
    Basis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingClass,
    FindingSeverity,
    Gate,
    Mark,
    Verdict,
)

_SEVERITIES = tuple(FindingSeverity)
AGREED = (FindingClass.CONSENSUS, FindingClass.MAJORITY)
_NO_WORD = re.compile(r"[^\w]+")


class Claim(NamedTuple):
    """One analyst's finding."""

    worker: str
    finding: Finding


class Group(NamedTuple):
    """Findings of different analysts that make the same claim: one item to verify. `id` is `G-001` and so on."""

    id: str
    claims: tuple[Claim, ...]

    @property
    def raisers(self) -> frozenset[str]:
        return frozenset(claim.worker for claim in self.claims)

    @property
    def leading(self) -> Finding:
        """The finding that represents the group: the first of the most severe."""
        return min((claim.finding for claim in self.claims), key=lambda finding: _SEVERITIES.index(finding.severity))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(dict.fromkeys(line for claim in self.claims for line in claim.finding.evidence))


class Ballot(NamedTuple):
    """One analyst's answer about one group in one round (counted from 1)."""

    round: int
    worker: str
    answer: Answer


class Outcome(NamedTuple):
    """The outcome of a group. `closed_by` is empty while the finding is open (docs/design/leading.md)."""

    group: Group
    finding_class: FindingClass
    ballots: tuple[Ballot, ...]
    evidence_status: EvidenceStatus
    closed_by: str
    checks: Mapping[Evidence, Checked] = MappingProxyType({})

    @property
    def mark(self) -> Mark:
        """Shown when those who agree have cited a command that okstra saw end as they say."""
        if self.finding_class not in AGREED:
            return Mark.NOT_SHOWN
        agreeing = [one for one in _newest(self.ballots).values() if one.answer.verdict is not Verdict.DISAGREE]
        lines = (*self.group.evidence, *(line for one in agreeing for line in one.answer.evidence))
        return Mark.SHOWN if any(_is_verified_command(line, self.checks) for line in lines) else Mark.NOT_SHOWN


def group_findings(results: Mapping[str, Sequence[Finding]]) -> tuple[Group, ...]:
    """The groups, numbered in the order of the analysts (as given) and of their findings.

    A finding joins the first group whose first finding makes the same claim. One analyst's findings never share a
    group, and groups don't chain: a finding that overlaps only a later member starts a group of its own.
    """
    members: list[list[Claim]] = []
    by_claim: dict[str, list[int]] = defaultdict(list)
    by_place: dict[str, list[tuple[int, Evidence]]] = defaultdict(list)
    for worker, findings in results.items():
        for finding in findings:
            claim = normalised(finding.claim)
            candidates = by_claim[claim] + [
                number
                for citation in _places(finding)
                for number, founding in by_place[citation.path]
                if _overlap(citation, founding)
            ]
            free = [number for number in candidates if all(one.worker != worker for one in members[number])]
            if free:
                members[min(free)].append(Claim(worker, finding))
                continue
            by_claim[claim].append(len(members))
            for citation in _places(finding):
                by_place[citation.path].append((len(members), citation))
            members.append([Claim(worker, finding)])
    return tuple(Group(f"G-{number:03d}", tuple(claims)) for number, claims in enumerate(members, 1))


def normalised(claim: str) -> str:
    """A claim without case, punctuation and spacing."""
    return _NO_WORD.sub(" ", unicodedata.normalize("NFKC", claim).casefold()).strip()


def _places(finding: Finding) -> list[Evidence]:
    return [line for line in finding.evidence if line.first]


def _overlap(one: Evidence, other: Evidence) -> bool:
    return one.first <= other.last and other.first <= one.last


def questions(
    groups: Sequence[Group], ballots: Sequence[Ballot], analysts: Sequence[str], round_number: int
) -> dict[str, tuple[str, ...]]:
    """By analyst, the groups to answer in this round; analysts without any are left out.

    Round 1 asks everybody who did not raise the finding. Later rounds ask everybody, including those who raised it,
    about what is still disputed: an objection is answered, or the claim withdrawn.
    """
    asked: dict[str, tuple[str, ...]] = {}
    for worker in analysts:
        if round_number == 1:
            ids = [group.id for group in groups if worker not in group.raisers]
        else:
            ids = [group.id for group in groups if _is_disputed(_positions(group, ballots, analysts))]
        if ids:
            asked[worker] = tuple(ids)
    return asked


def outcome(
    group: Group,
    ballots: Sequence[Ballot],
    analysts: Mapping[str, str],
    *,
    quorum: int,
    checks: Mapping[Evidence, Checked] = MappingProxyType({}),
    silent: int = 0,
) -> Outcome:
    """The group's class and whether it is closed. `analysts` maps those whose results count to their voices;
    `silent` is the number of others that were asked and gave none: they have not agreed.

    Analysts of one family are one voice for the quorum: two sessions of a model that is wrong agree easily.
    """
    own = tuple(ballot for ballot in ballots if ballot.answer.item == group.id)
    positions = _positions(group, own, tuple(analysts))
    found = _borne_out(_class_of(positions, analysts, quorum, silent), group, checks)
    return Outcome(group, found, own, evidence_status(group, checks), _closed_by(own, found, checks), checks)


def evidence_status(group: Group, checks: Mapping[Evidence, Checked]) -> EvidenceStatus:
    """The status of a group's evidence as a whole; unchecked if none of it was checked."""
    return finding_status([checks[line] for line in group.evidence if line in checks])


def _borne_out(found: FindingClass, group: Group, checks: Mapping[Evidence, Checked]) -> FindingClass:
    """The class, unless those who agree rest on something that is not there.

    A contradicted command takes its evidence away, not the finding: a lie must not kill what is true.
    """
    if found not in AGREED:
        return found
    not_found = found is FindingClass.CONSENSUS and evidence_status(group, checks) is EvidenceStatus.NOT_FOUND
    checked = [checks.get(line, Checked(line, EvidenceStatus.UNCHECKED)) for line in group.evidence]
    return FindingClass.CONTESTED if not_found or stands_on_nothing(checked) else found


def _is_verified_command(line: Evidence, checks: Mapping[Evidence, Checked]) -> bool:
    return line.exit is not None and line in checks and checks[line].status is EvidenceStatus.VERIFIED


def _class_of(
    positions: Mapping[str, Verdict | None], analysts: Mapping[str, str], quorum: int, silent: int
) -> FindingClass:
    spoke = {analysts[worker] for worker, verdict in positions.items() if verdict is not None}
    if len(spoke) < quorum:
        return FindingClass.SINGLE_SOURCE if len(set(analysts.values())) < quorum else FindingClass.ABORTED
    count = Counter(verdict is not Verdict.DISAGREE for verdict in positions.values() if verdict is not None)
    agree, disagree = count[True], count[False]
    if agree == len(positions) + silent:
        return FindingClass.CONSENSUS
    if disagree > agree:
        return FindingClass.REFUTED
    return FindingClass.CONTESTED if agree == disagree else FindingClass.MAJORITY


def _positions(group: Group, ballots: Sequence[Ballot], analysts: Sequence[str]) -> dict[str, Verdict | None]:
    """Each analyst's position: its newest answer, else AGREE if it raised the finding, else None."""
    newest = _newest([ballot for ballot in ballots if ballot.answer.item == group.id])
    return {
        worker: newest[worker].answer.verdict
        if worker in newest
        else (Verdict.AGREE if worker in group.raisers else None)
        for worker in analysts
    }


def _newest(ballots: Sequence[Ballot]) -> dict[str, Ballot]:
    """By analyst, its newest answer about one group."""
    newest: dict[str, Ballot] = {}
    for ballot in ballots:
        if ballot.worker not in newest or newest[ballot.worker].round <= ballot.round:
            newest[ballot.worker] = ballot
    return newest


def _is_disputed(positions: Mapping[str, Verdict | None]) -> bool:
    given = {verdict for verdict in positions.values() if verdict is not None}
    return Verdict.DISAGREE in given and bool(given - {Verdict.DISAGREE})


def _closed_by(ballots: Sequence[Ballot], found: FindingClass, checks: Mapping[Evidence, Checked]) -> str:
    """A refutation closes a finding only by a command that okstra saw end as cited, from somebody who still disagrees
    on the evidence. Votes close nothing, nor does an objection to logic, scope or severity."""
    if found is not FindingClass.REFUTED:
        return ""
    for ballot in _newest(ballots).values():
        if ballot.answer.verdict is Verdict.DISAGREE and ballot.answer.basis is Basis.EVIDENCE:
            for line in ballot.answer.evidence:
                if _is_verified_command(line, checks):
                    return f"refutation by {ballot.worker}: {line.as_text()}, as okstra saw"
    return ""


def unverified(
    group: Group, analysts: Mapping[str, str], checks: Mapping[Evidence, Checked], *, silent: int = 0
) -> Outcome:
    """The outcome of a finding that nobody is asked about again (an implementation's verifiers)."""
    voices = {analysts[worker] for worker in group.raisers}
    shared = len(voices) > 1 and group.raisers == analysts.keys() and not silent
    found = FindingClass.CONSENSUS if shared else FindingClass.SINGLE_SOURCE
    return Outcome(group, _borne_out(found, group, checks), (), evidence_status(group, checks), "", checks)


class Objection(NamedTuple):
    """A part of the plan that analysts reject, with their reasons: an objection when at least half of those who
    answered do, else dissent. A tie blocks: a gate in doubt stays closed.
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
    """`answers`: by analyst, only those that count; `voices`: the analysts' voices; `items`: the plan's parts."""
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


class Rules(NamedTuple):
    """How findings are verified. `mode` is `lightweight` or `full-reanalysis`."""

    max_rounds: int
    quorum: int
    mode: str
    adversarial: bool


class Round(NamedTuple):
    """One round: what each analyst was asked, and in what state its answer came back."""

    number: int
    asked: Mapping[str, Sequence[str]]
    states: Mapping[str, AnswerState]
