"""Words of what workers do and answer. Each is spelled here and nowhere else (spec 5)."""

from __future__ import annotations

from .word import Word


class Access(Word):
    """What a worker may touch besides its own result and audit file."""

    READ = "read"
    """Read the worktree; change nothing."""
    TEST = "test"
    """Read, and run the project's test commands, which may write build output into the worktree."""
    EDIT = "edit"
    """Edit and commit in the worktree."""


class WorkerOutcome(Word):
    """How a worker's dispatch ended (spec 5, "Providers"). Only `completed` has a usable work product."""

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
    """What a result or verdict is worth (spec 5, "Fail closed"). Only `clean` and `findings` count as an answer."""

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
    """How a run ended (spec 4, "run-manifest")."""

    COMPLETED = "completed"
    FAILED = "failed"
    CONTRACT_VIOLATED = "contract-violated"
    INTERRUPTED = "interrupted"
