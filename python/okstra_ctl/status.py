"""Status words that stand in files and output. Each is spelled here and nowhere else."""

from __future__ import annotations

from .word import Word

# What stands in the place of a secret that was hidden before anything was kept (edges/secrets).
HIDDEN_MARK = "[hidden: "


class StageStatus(Word):
    """What a stage is now, folded from ledger and registry (spec 3, "Choosing, reserving, basing")."""

    DONE = "done"
    RUNNING = "running"
    RESERVED = "reserved"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    CONTRACT_VIOLATED = "contract-violated"
    READY = "ready"
    BLOCKED = "blocked"


class ClaimStatus(Word):
    """A reservation's status in the registry (spec 4)."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    DONE = "done"


class LedgerStatus(Word):
    """A ledger row's status (spec 3, "The ledger")."""

    STARTED = "started"
    DONE = "done"
    RELEASED = "released"
    SUPERSEDED = "superseded"


class WorktreeStatus(Word):
    """What a run has as its working place (spec 3, "Worktrees")."""

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
