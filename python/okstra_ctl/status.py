"""Status words that stand in files and output. Each is spelled here and nowhere else.

The status of a run, the next command for it and its colour are decided here, for every listing, page and check. Three
facts decide the status: the claim that the run holds on a stage, the end that its records name, and whether its lead is
alive. A recorded end counts more than a living lead: an agent's session outlives its run. Why a run is interrupted or
failed: `history/end_reasons.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from .quoting import okstra_command

# What stands in the place of a secret that was hidden before anything was kept (`system/secrets.py`).
HIDDEN_MARK = "[hidden: "
# Severities, each with a colour at the terminal (`terminal.py`) and on pages; then the styles of headings and asides.
BUSY, GOOD, WARN, BAD, PLAIN = "busy", "good", "warn", "bad", "plain"
HEAD, DIM = "head", "dim"
_WORDS = {
    BUSY: "running reserved",
    GOOD: "completed done written passed clean verified consensus AGREE yes closed answered resolved proven shown",
    WARN: "interrupted stopped quota released invalid-result skipped "
    "moved majority contested flaky agreed-on passed-with-dissent SUPPLEMENT partly findings open",
    BAD: "failed contract-violated error timeout aborted-non-result "
    "not-found contradicted refuted blocked-by-disagreement DISAGREE no unreadable unavailable empty",
}
_TONE_OF = {word: tone for tone, words in _WORDS.items() for word in words.split()}


class Word(str, Enum):
    """A word of a closed set that is its own text, as `enum.StrEnum` of Python 3.11."""

    __str__ = str.__str__


class StageStatus(Word):
    """What a stage is now, folded from ledger and registry (docs/design/reservation.md)."""

    DONE = "done"
    RUNNING = "running"
    RESERVED = "reserved"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    CONTRACT_VIOLATED = "contract-violated"
    READY = "ready"
    BLOCKED = "blocked"


class ClaimStatus(Word):
    """A reservation's status in the registry."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    DONE = "done"


class LedgerStatus(Word):
    """A ledger row's status (docs/design/reservation.md)."""

    STARTED = "started"
    DONE = "done"
    RELEASED = "released"
    SUPERSEDED = "superseded"


class WorktreeStatus(Word):
    """What a run has as its working place (docs/design/reservation.md)."""

    CREATED = "created"
    REUSED = "reused"
    SKIPPED_NO_GIT = "skipped-no-git"
    SKIPPED_NESTED = "skipped-nested"

    @property
    def degraded(self) -> bool:
        return self in (WorktreeStatus.SKIPPED_NO_GIT, WorktreeStatus.SKIPPED_NESTED)


class RunStatus(Word):
    """A run as `list` and `show` tell it."""

    RUNNING = "running"
    RESERVED = "reserved"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    RELEASED = "released"
    PREPARED = "prepared"
    FAILED = "failed"
    CONTRACT_VIOLATED = "contract-violated"
    DROPPED = "dropped"
    """Nobody wants it any more (`runs/dropped.py`)."""


class Liveness(Word):
    """What is known of an owner: alive, gone, nobody named, or out of reach (another host)."""

    ALIVE = "alive"
    GONE = "gone"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


class Severity(Word):
    ERROR = "error"
    WARNING = "warning"


class Access(Word):
    """What a worker may touch besides its own result and audit file."""

    READ = "read"
    """Read the worktree; change nothing."""
    TEST = "test"
    """Read, and run the project's test commands, which may write build output into the worktree."""
    EDIT = "edit"
    """Edit and commit in the worktree."""


class WorkerOutcome(Word):
    """How a worker's dispatch ended (docs/design/leading.md). Only `completed` has a usable work product."""

    COMPLETED = "completed"
    ERROR = "error"
    TIMEOUT = "timeout"
    INVALID_RESULT = "invalid-result"
    NOT_RUN = "not-run"
    QUOTA = "quota"
    """Its provider refuses more until a time beyond the soft limit, or for some days."""


class Failure(Word):
    """Why a client did not finish its turn, as its own stream and exit tell."""

    NONE = "none"
    RATE_LIMIT = "rate-limit"
    OVERLOADED = "overloaded"
    LOGIN = "login"
    DENIED = "denied"
    """It ended its turn, but tools that it needed were refused."""
    SANDBOX = "sandbox"
    """It ended its turn, but its own sandbox could not start, so that none of its commands ran."""
    INTERRUPTED = "interrupted"
    """No terminal event: killed, cut, or given up."""
    CLIENT = "client"
    """Any other error that the client reports."""


class AnswerState(Word):
    """What a result or verdict is worth (docs/design/leading.md). Only `clean` and `findings` count as an answer."""

    CLEAN = "clean"
    FINDINGS = "findings"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"

    @property
    def counts(self) -> bool:
        return self in (AnswerState.CLEAN, AnswerState.FINDINGS)


class RunOutcome(Word):
    """How a run ended (docs/formats.md)."""

    COMPLETED = "completed"
    FAILED = "failed"
    CONTRACT_VIOLATED = "contract-violated"
    INTERRUPTED = "interrupted"


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
    so whether its lead is alive decides. A stage is done before its lead has written the run's report: until that is
    there, the lead is named.
    """
    end = _ENDS.get(ended)
    if claim is ClaimStatus.DONE:
        left = end is not None or lead is Liveness.NOBODY
        return RunStatus.COMPLETED if left else _AT_WORK[lead]
    if end is not None and (claim is None or end not in (RunStatus.COMPLETED, RunStatus.RELEASED)):
        return end
    return _AT_WORK.get(lead) or (RunStatus.PREPARED if claim is None else RunStatus.RESERVED)


def stage_status(claim: ClaimStatus, ended: str, lead: Liveness) -> StageStatus:
    """The status of the stage that the run holds."""
    if claim is ClaimStatus.DONE:
        return StageStatus.DONE
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


def publishing(run_id: str) -> str:
    """The command that lets other machines know of a stage that was proven here."""
    return okstra_command("stage", "publish", "--run", run_id)


def is_unpublished(proven: str, status: str) -> bool:
    """Whether the exit check of a stage passed, at the commit `proven`, and other machines don't know: its lead, while
    it is alive, is about to say so."""
    return bool(proven) and status not in (StageStatus.DONE, RunStatus.COMPLETED, RunStatus.RUNNING)


def with_marks(status: str, *, proof: str = "", unpublished: bool = False, host: str = "") -> str:
    """The status of a stage, or of its run, for people. One that counts though nothing proves it is not done like the
    others, nor is one that nobody else knows of; of another machine's, its host is named."""
    marks = [proof] if proof == "unproven" else []
    marks += ["not published"] if unpublished else []
    marked = " ".join([str(status), *(f"({mark})" for mark in marks)])
    return f"{marked} on {host}" if host else marked


def tone_of(word: object) -> str:
    """The severity of a status word, of runs, stages, workers, findings and gates alike."""
    return _TONE_OF.get(str(word), PLAIN)


class Piece(NamedTuple):
    """A part of a line at the terminal. `tone` is a severity, HEAD or DIM; empty for none."""

    text: str
    tone: str = ""


Line = Sequence[Piece]
