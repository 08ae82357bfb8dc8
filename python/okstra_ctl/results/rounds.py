"""Who is asked about what in which round, and what the answers make of a finding (spec 5, "Convergence")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .convergence import Ballot, Group, Outcome
from .evidence import Checked, finding_status
from .findings import EvidenceStatus, FindingClass, Verdict
from .records import Evidence


def questions(
    groups: Sequence[Group], ballots: Sequence[Ballot], analysts: Sequence[str], round_number: int
) -> dict[str, tuple[str, ...]]:
    """Per analyst the groups to answer in this round; analysts without any are left out.

    Round 1 asks everybody who did not raise the finding. Later rounds ask all of them, its raisers too, about
    what is still disputed: an objection is answered, or the claim withdrawn.
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
    `silent` is how many others were asked and gave none: they have not agreed.

    Analysts of one provider are one voice when it comes to the quorum: two sessions of a model that is wrong
    agree easily.
    """
    own = tuple(ballot for ballot in ballots if ballot.answer.item == group.id)
    positions = _positions(group, own, tuple(analysts))
    evidence = evidence_status(group, checks)
    found = _class_of(positions, analysts, quorum, silent)
    if found is FindingClass.CONSENSUS and evidence is EvidenceStatus.NOT_FOUND:
        found = FindingClass.CONTESTED
    return Outcome(group, found, own, evidence, _closed_by(own, found), checks)


def evidence_status(group: Group, checks: Mapping[Evidence, Checked]) -> EvidenceStatus:
    """Of a group's evidence as a whole; what was never looked at is unchecked."""
    return finding_status([checks[line] for line in group.evidence if line in checks])


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
    """Where each analyst stands: by its newest answer, else by having raised the finding, else nowhere."""
    newest: dict[str, Ballot] = {}
    for ballot in ballots:
        if ballot.answer.item == group.id and (
            ballot.worker not in newest or newest[ballot.worker].round <= ballot.round
        ):
            newest[ballot.worker] = ballot
    return {
        worker: newest[worker].answer.verdict
        if worker in newest
        else (Verdict.AGREE if worker in group.raisers else None)
        for worker in analysts
    }


def _is_disputed(positions: Mapping[str, Verdict | None]) -> bool:
    given = {verdict for verdict in positions.values() if verdict is not None}
    return Verdict.DISAGREE in given and bool(given - {Verdict.DISAGREE})


def _closed_by(ballots: Sequence[Ballot], found: FindingClass) -> str:
    """A refutation closes a finding only with a command and its exit code; votes alone close nothing."""
    if found is not FindingClass.REFUTED:
        return ""
    for ballot in ballots:
        if ballot.answer.verdict is Verdict.DISAGREE:
            for line in ballot.answer.evidence:
                if line.exit is not None:
                    return f"refutation by {ballot.worker}: {line.as_text()}"
    return ""


def unverified(
    group: Group, analysts: Mapping[str, str], checks: Mapping[Evidence, Checked], *, silent: int = 0
) -> Outcome:
    """For findings that nobody is asked about again (an implementation's verifiers): shared by all, or by one."""
    voices = {analysts[worker] for worker in group.raisers}
    shared = len(voices) > 1 and group.raisers == analysts.keys() and not silent
    found = FindingClass.CONSENSUS if shared else FindingClass.SINGLE_SOURCE
    evidence = evidence_status(group, checks)
    if evidence is EvidenceStatus.NOT_FOUND and found is FindingClass.CONSENSUS:
        found = FindingClass.CONTESTED
    return Outcome(group, found, (), evidence, "", checks)
