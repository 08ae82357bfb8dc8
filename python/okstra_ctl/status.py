"""Status words that stand in files and output. Each is spelled here and nowhere else."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A word of a closed set that is its own text, as `enum.StrEnum` of Python 3.11."""

    __str__ = str.__str__


# What stands in the place of a secret that was hidden before anything was kept (`system/secrets.py`).
HIDDEN_MARK = "[hidden: "


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
