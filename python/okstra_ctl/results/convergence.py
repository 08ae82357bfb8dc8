"""Groups, ballots and their outcome, as values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .evidence import Checked
from .findings import EvidenceStatus, FindingClass, FindingSeverity
from .records import Answer, Evidence, Finding

_SEVERITIES = tuple(FindingSeverity)


class Claim(NamedTuple):
    """One analyst's finding."""

    worker: str
    finding: Finding


class Group(NamedTuple):
    """Findings of different analysts that say the same: one item to verify. `id` is `G-001` and so on."""

    id: str
    claims: tuple[Claim, ...]

    @property
    def raisers(self) -> frozenset[str]:
        return frozenset(claim.worker for claim in self.claims)

    @property
    def leading(self) -> Finding:
        """The finding that speaks for the group: the gravest, the first of those."""
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
    """What became of a group. `closed_by` is empty while the finding is open (spec 5, "Fail closed")."""

    group: Group
    finding_class: FindingClass
    ballots: tuple[Ballot, ...]
    evidence_status: EvidenceStatus
    closed_by: str
    checks: Mapping[Evidence, Checked] = MappingProxyType({})
