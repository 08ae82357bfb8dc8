"""The status of a run, the next command for it and its colour: decided here for every listing, page and check.

Three facts decide the status: the claim that the run holds on a stage, the end that its records name, and whether its
lead is alive. A recorded end counts more than a living lead: an agent's session outlives its run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from .quoting import okstra_command
from .status import ClaimStatus, Liveness, RunStatus, StageStatus

_AT_WORK: Mapping[Liveness, RunStatus] = {
    Liveness.ALIVE: RunStatus.RUNNING,
    Liveness.UNKNOWN: RunStatus.RUNNING,
    Liveness.GONE: RunStatus.INTERRUPTED,
}
_ENDS: Mapping[str, RunStatus] = {
    str(status): status
    for status in (
        RunStatus.COMPLETED,
        RunStatus.RELEASED,
        RunStatus.FAILED,
        RunStatus.CONTRACT_VIOLATED,
        RunStatus.INTERRUPTED,
    )
}
_STAGES: Mapping[RunStatus, StageStatus] = {
    RunStatus.COMPLETED: StageStatus.DONE,
    RunStatus.RUNNING: StageStatus.RUNNING,
    RunStatus.INTERRUPTED: StageStatus.INTERRUPTED,
    RunStatus.FAILED: StageStatus.FAILED,
    RunStatus.CONTRACT_VIOLATED: StageStatus.CONTRACT_VIOLATED,
}


def run_status(claim: ClaimStatus | None, ended: str, lead: Liveness) -> RunStatus:
    """`claim` is the status of the claim that the run holds on a stage, None if it holds none. `ended` is the end that
    its records name, empty while it goes on.

    However a run ended, it keeps its claim. One that ended well and still holds a stage has not been recorded as done,
    so whether its lead is alive decides.
    """
    if claim is ClaimStatus.DONE:
        return RunStatus.COMPLETED
    end = _ENDS.get(ended)
    if end is not None and (claim is None or end not in (RunStatus.COMPLETED, RunStatus.RELEASED)):
        return end
    return _AT_WORK.get(lead) or (RunStatus.PREPARED if claim is None else RunStatus.RESERVED)


def stage_status(claim: ClaimStatus, ended: str, lead: Liveness) -> StageStatus:
    """The status of the stage that the run holds."""
    return _STAGES.get(run_status(claim, ended, lead), StageStatus.RESERVED)


# Statuses of runs that are not over, the most urgent first.
OPEN = (
    RunStatus.CONTRACT_VIOLATED,
    RunStatus.FAILED,
    RunStatus.INTERRUPTED,
    RunStatus.RUNNING,
    RunStatus.RESERVED,
    RunStatus.PREPARED,
)

_AGAIN = (RunStatus.FAILED, RunStatus.CONTRACT_VIOLATED)


class Listed(Protocol):
    """A row of a list of runs."""

    @property
    def run_id(self) -> str: ...
    @property
    def stage(self) -> int | None: ...
    @property
    def status(self) -> str: ...


class _Place(NamedTuple):
    """A run's phase (and stage), and a number that is greater for a later run of it."""

    phase: str
    number: tuple[int, str]


def overtaken(rows: Iterable[Listed]) -> set[str]:
    """The ids of failed runs that a later run of the same phase and stage replaced: nobody need do anything about them.

    For stages this includes interrupted runs, because the later run holds the stage now.
    """
    rows = list(rows)
    newest: dict[str, tuple[int, str]] = {}
    for row in rows:
        phase, number = _place(row.run_id)
        newest[phase] = max(newest.get(phase, number), number)
    found = set()
    for row in rows:
        phase, number = _place(row.run_id)
        ended = (*_AGAIN, RunStatus.INTERRUPTED) if row.stage is not None else _AGAIN
        if row.status in ended and number != newest[phase]:
            found.add(row.run_id)
    return found


def _place(run_id: str) -> _Place:
    phase, _, number = run_id.rpartition("/")
    return _Place(phase, (len(number), number))


def next_step(status: str, run_id: str, *, stage: bool) -> str:
    """The command that continues the run, ready to paste; empty when there is nothing to do. `stage`: it holds one."""
    if status == RunStatus.RUNNING:
        return okstra_command("wait", run_id)
    if status in (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.PREPARED):
        return okstra_command("resume", run_id)
    if status == RunStatus.RESERVED:
        return okstra_command("stage", "done", "--run", run_id) if stage else okstra_command("resume", run_id)
    return okstra_command("show", run_id) if status == RunStatus.CONTRACT_VIOLATED else ""


# Severities, each with a colour at the terminal (`terminal.py`) and on pages; then the styles of headings and asides.
BUSY, GOOD, WARN, BAD, PLAIN = "busy", "good", "warn", "bad", "plain"
HEAD, DIM = "head", "dim"

_WORDS = {
    BUSY: "running reserved",
    GOOD: "completed done written passed clean verified consensus AGREE yes closed answered resolved",
    WARN: "interrupted stopped released invalid-result skipped "
    "moved majority contested passed-with-dissent SUPPLEMENT partly findings open",
    BAD: "failed contract-violated error timeout aborted-non-result "
    "not-found refuted blocked-by-disagreement DISAGREE no unreadable unavailable empty",
}
_TONE_OF = {word: tone for tone, words in _WORDS.items() for word in words.split()}


def tone_of(word: object) -> str:
    """The severity of a status word, of runs, stages, workers, findings and gates alike."""
    return _TONE_OF.get(str(word), PLAIN)


class Piece(NamedTuple):
    """A part of a line at the terminal. `tone` is a severity, HEAD or DIM; empty for none."""

    text: str
    tone: str = ""


Line = Sequence[Piece]
