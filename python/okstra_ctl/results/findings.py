"""Words of findings and verdicts (spec 4, "Worker result"; spec 5, "Convergence")."""

from __future__ import annotations

from ..word import Word


class FindingSeverity(Word):
    """In falling order."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Verdict(Word):
    """Another worker's answer to a finding."""

    AGREE = "AGREE"
    DISAGREE = "DISAGREE"
    SUPPLEMENT = "SUPPLEMENT"


class Basis(Word):
    """What a DISAGREE rests on."""

    EVIDENCE = "evidence"
    LOGIC = "logic"
    SCOPE = "scope"
    SEVERITY = "severity"
    DUPLICATE = "duplicate"


class FindingClass(Word):
    """What became of a finding once the others had answered."""

    CONSENSUS = "consensus"
    MAJORITY = "majority"
    CONTESTED = "contested"
    REFUTED = "refuted"
    SINGLE_SOURCE = "single-source"
    ABORTED = "aborted-non-result"


class EvidenceStatus(Word):
    """What a program found of a citation in the repository."""

    VERIFIED = "verified"
    MOVED = "moved"
    NOT_FOUND = "not-found"
    UNCHECKED = "unchecked"


class Gate(Word):
    """What a gate says. It passes on answers, never on their absence (spec 5, "Fail closed")."""

    PASSED = "passed"
    DISSENT = "passed-with-dissent"
    BLOCKED = "blocked-by-disagreement"
    FAILED = "failed"
    ABORTED = "aborted-non-result"

    @property
    def open(self) -> bool:
        return self in (Gate.PASSED, Gate.DISSENT)
