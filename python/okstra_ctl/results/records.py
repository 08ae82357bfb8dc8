"""The contents of agents' results, as values, and the rules that results are checked by."""

from __future__ import annotations

from typing import NamedTuple

from ..status import Word

RULES = {
    "R1": "the frontmatter names task-key, task-type, worker, provider, model and commit",
    "R2": "the sections stand there, each once, in their order",
    "R3": "no section `## 0. Reading Confirmation`: that belongs in the audit file",
    "R4": "a finding's heading is `### F-001 [severity] title`, numbers without gap or repeat",
    "R5": "a finding has one claim",
    "R6": "a finding has at least one line of evidence, and each can be read",
    "R7": "confidence is a number from 0 to 1",
    "R8": "a verdict is given, is one of those allowed, and agrees with the findings",
    "R9": "every item is answered exactly once, and nothing else is",
    "R10": "an answer gives a reason; DISAGREE gives its basis",
    "R11": "every step of the stage has its record, with a command and exit code or a reason why not",
    "R12": "the file is UTF-8 text, not empty, and not larger than 1 MB",
}
MAX_BYTES = 1024 * 1024


class FindingSeverity(Word):
    """In descending order."""

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
    """The outcome of a finding once the others have answered."""

    CONSENSUS = "consensus"
    MAJORITY = "majority"
    CONTESTED = "contested"
    REFUTED = "refuted"
    SINGLE_SOURCE = "single-source"
    ABORTED = "aborted-non-result"


class EvidenceStatus(Word):
    """The result of checking a citation against the repository, or of running a command that is cited."""

    VERIFIED = "verified"
    MOVED = "moved"
    NOT_FOUND = "not-found"
    UNCHECKED = "unchecked"
    CONTRADICTED = "contradicted"
    """The command ended otherwise than cited."""
    FLAKY = "flaky"
    NOT_RUN = "not-run"


class Mark(Word):
    """Whether okstra itself has seen what a finding says."""

    PROVEN = "proven"
    """Its command failed without the change and passes with it."""
    SHOWN = "shown"
    """Analysts agree on it, and a command that it rests on ended as cited."""
    NOT_SHOWN = "not-shown"


class Gate(Word):
    """The state of a gate. It passes on answers, never on their absence (docs/design/leading.md)."""

    PASSED = "passed"
    DISSENT = "passed-with-dissent"
    BLOCKED = "blocked-by-disagreement"
    FAILED = "failed"
    ABORTED = "aborted-non-result"

    @property
    def open(self) -> bool:
        return self in (Gate.PASSED, Gate.DISSENT)


class Problem(NamedTuple):
    """A problem with a result: a rule of `RULES`, a 1-based line, and a message that the worker can act on."""

    rule: str
    line: int
    message: str


class Evidence(NamedTuple):
    """One line of evidence: a citation (`path`, lines, quotation) or a command with its exit code.

    `first` is 0 where no lines are given; `exit` is None for a citation.
    """

    path: str
    first: int
    last: int
    quote: str
    command: str
    exit: int | None

    def as_text(self) -> str:
        """As it is written in a result."""
        if self.exit is not None:
            return f"command `{self.command}` exit {self.exit}"
        lines = "" if not self.first else f":{self.first}" + (f"-{self.last}" if self.last != self.first else "")
        return f"{self.path}{lines}" + (f" `{self.quote}`" if self.quote else "")


class Finding(NamedTuple):
    """One claim of a worker. `confidence` is between 0 and 1, or None when it is not given."""

    id: str
    severity: FindingSeverity
    title: str
    claim: str
    evidence: tuple[Evidence, ...]
    confidence: float | None
    line: int


class WorkerResult(NamedTuple):
    """An analyst's, critic's or verifier's result. `sections` maps a title of `SECTIONS` to its text."""

    fields: dict[str, str]
    findings: tuple[Finding, ...]
    sections: dict[str, str]

    @property
    def verdict(self) -> str:
        """The frontmatter's `verdict`; empty for results without one."""
        return self.fields.get("verdict", "")


class Answer(NamedTuple):
    """A verdict on one item (a merged finding, or a part of a plan)."""

    item: str
    verdict: Verdict
    basis: Basis | None
    reason: str
    evidence: tuple[Evidence, ...]
    line: int


class StepRecord(NamedTuple):
    """An executor's record of one step of its stage."""

    number: int
    done: bool
    evidence: tuple[Evidence, ...]
    note: str


class ExecutorResult(NamedTuple):
    fields: dict[str, str]
    steps: tuple[StepRecord, ...]
    sections: dict[str, str]
