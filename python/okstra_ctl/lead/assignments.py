"""What a worker is asked to do, and whether what it left is an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..results.records import MAX_BYTES, Problem
from ..settings.roster import Worker
from ..status import AnswerState, WorkerOutcome
from ..system import files
from ..system.foreign_files import set_aside

Check = Callable[[str], list[Problem]]
MAIN = ""
"""The label of a worker's main assignment; later ones are `round-<N>`, `turn-<N>`, `plan-check`."""


class Assignment(NamedTuple):
    """One request to one worker. `facts` are passed to its client as `OKSTRA_<NAME>`."""

    worker: Worker
    label: str
    prompt: str
    result: str
    check: Check
    has_findings: Callable[[str], bool] = lambda text: True
    facts: Mapping[str, str] = MappingProxyType({})

    @property
    def name(self) -> str:
        return f"{self.worker.id} {self.label}".strip()


class Answer(NamedTuple):
    """How an assignment ended. `text` is the valid result, None unless the state counts."""

    assignment: Assignment
    state: AnswerState
    outcome: WorkerOutcome
    text: str | None
    attempts: int = 0
    again_at: str = ""
    """When its provider takes more, after the outcome `quota`; empty where that is not known."""

    @property
    def worker(self) -> Worker:
        return self.assignment.worker


class CheckedResult(NamedTuple):
    """A checked result. `problems` are reported to the worker."""

    state: AnswerState
    text: str | None
    problems: tuple[Problem, ...]


def check_bytes(assignment: Assignment, data: bytes | None, fault: str = "") -> CheckedResult:
    """Checks a result. Only one without problems is an answer (docs/design/leading.md).

    `data` is what the worker left, None for nothing; `fault` says why what it left could not be read.
    """
    if fault:
        return CheckedResult(AnswerState.UNREADABLE, None, (Problem("R12", 1, fault),))
    if data is None:
        return CheckedResult(AnswerState.UNAVAILABLE, None, (Problem("R12", 1, "there is no file at the result path"),))
    if not data.strip():
        return CheckedResult(AnswerState.EMPTY, None, (Problem("R12", 1, "the file is empty"),))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return CheckedResult(
            AnswerState.UNREADABLE, None, (Problem("R12", 1, f"it is not UTF-8 (byte {error.start})"),)
        )
    if len(data) > MAX_BYTES:
        return CheckedResult(AnswerState.UNREADABLE, None, (Problem("R12", 1, f"it is larger than {MAX_BYTES} bytes"),))
    problems = assignment.check(text)
    if problems:
        return CheckedResult(AnswerState.UNREADABLE, None, tuple(problems))
    return CheckedResult(AnswerState.FINDINGS if assignment.has_findings(text) else AnswerState.CLEAN, text, ())


def answer_from(assignment: Assignment, found: CheckedResult, outcome: WorkerOutcome, attempts: int) -> Answer:
    """The answer for a checked result. A valid file counts only if its client finished its turn."""
    if outcome is WorkerOutcome.COMPLETED:
        if found.state.counts:
            return Answer(assignment, found.state, outcome, found.text, attempts)
        return Answer(assignment, found.state, WorkerOutcome.INVALID_RESULT, None, attempts)
    state = AnswerState.TIMEOUT if outcome is WorkerOutcome.TIMEOUT else AnswerState.UNAVAILABLE
    return Answer(assignment, state, outcome, None, attempts)


def write_request(path: str, data: bytes, result: str) -> None:
    """Writes what a worker is asked, if it differs from what is on disk. A result of the earlier request is set aside
    first, so that a run resumed with other material never counts a verdict on something else.

    Raises WorkFailed, Unreadable.
    """
    if files.read_bytes(path) == data:
        return
    set_aside(result)
    files.replace(path, data)
