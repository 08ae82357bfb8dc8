"""What a run is now: the one place that decides it, for every listing, page and check.

Three facts decide: the claim that it holds on a stage, what its records say it ended as, and whether who leads it is
alive. An end that is recorded counts more than a lead that is still there: an agent's session outlives its run.
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
    """`claim`: that of the stage which the run holds; None for a run that holds none. `ended`: what its records say it
    ended as, empty while it goes on. A stage that a run holds stays held, however the run ended; a run that ended well
    and still holds one has not been recorded as done, and its lead says what it is."""
    if claim is ClaimStatus.DONE:
        return RunStatus.COMPLETED
    end = _ENDS.get(ended)
    if end is not None and (claim is None or end not in (RunStatus.COMPLETED, RunStatus.RELEASED)):
        return end
    return _AT_WORK.get(lead) or (RunStatus.PREPARED if claim is None else RunStatus.RESERVED)


def stage_status(claim: ClaimStatus, ended: str, lead: Liveness) -> StageStatus:
    """What the stage is that such a run holds: the same word, as a stage has it."""
    return _STAGES.get(run_status(claim, ended, lead), StageStatus.RESERVED)


# In the order of urgency.
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
    """A row of a listing of runs."""

    @property
    def run_id(self) -> str: ...
    @property
    def stage(self) -> int | None: ...
    @property
    def status(self) -> str: ...


class _Place(NamedTuple):
    """A run's phase (and stage), and its number there, so that a later one is greater."""

    phase: str
    number: tuple[int, str]


def overtaken(rows: Iterable[Listed]) -> set[str]:
    """The runs that failed and have a later one of their phase and stage: nothing is to be done about them.

    Of a stage also those that were interrupted: the later one holds it now.
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
    """A command to paste; empty when there is nothing to do."""
    if status == RunStatus.RUNNING:
        return okstra_command("wait", run_id)
    if status in (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.PREPARED):
        return okstra_command("resume", run_id)
    if status == RunStatus.RESERVED:
        return okstra_command("stage", "done", "--run", run_id) if stage else okstra_command("resume", run_id)
    return okstra_command("show", run_id) if status == RunStatus.CONTRACT_VIOLATED else ""


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
    return _TONE_OF.get(str(word), PLAIN)


class Piece(NamedTuple):
    """A piece of a line at a terminal. `tone` is a colour, HEAD or DIM; empty for none."""

    text: str
    tone: str = ""


Line = Sequence[Piece]
