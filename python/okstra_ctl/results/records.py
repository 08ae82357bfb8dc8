"""What results hold, as values."""

from __future__ import annotations

from typing import NamedTuple

from .findings import Basis, FindingSeverity, Verdict


class Problem(NamedTuple):
    """What is wrong with a result: a rule of `rules.py`, a 1-based line, and words the worker can act on."""

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
        """What the frontmatter says under `verdict`; empty for results that give none."""
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
    """What an executor says of one step of its stage."""

    number: int
    done: bool
    evidence: tuple[Evidence, ...]
    note: str


class ExecutorResult(NamedTuple):
    fields: dict[str, str]
    steps: tuple[StepRecord, ...]
    sections: dict[str, str]
