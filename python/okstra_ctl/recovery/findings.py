"""What a survey finds: each with what to do, and with the repair where okstra may make it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..status import Word

ALREADY_DONE = "another command has dealt with it; nothing was changed"
"""What an act returns when its check under the lock finds nothing left to repair."""


class Kind(Word):
    """What can be wrong."""

    ABANDONED = "abandoned"
    STARTED_ROW = "started-row-missing"
    DONE_MARK = "done-mark-missing"
    INTERRUPTED = "interrupted"
    FOLDER_GONE = "folder-gone"
    ORPHAN = "orphan-worktree"
    OTHER_HOME = "worktree-of-another-home"
    SCRATCH = "scratch-left"
    MERGE = "merge-unfinished"
    REWRITTEN = "done-commit-rewritten"
    LOST_COMMIT = "done-commit-lost"
    LEDGER_LINES = "ledger-lines-unreadable"
    INDEX = "index-unreadable"
    NOT_INDEXED = "not-indexed"
    CATALOG = "catalogue-behind"
    PROJECT_GONE = "project-gone"


class Finding(NamedTuple):
    """`act` repairs it and returns what it did; None where a person decides, as `way_on` says.

    Every act checks again, under the lock, whether the finding still applies: a command may have started since.
    `notice`: nothing is wrong, and there is nothing to do from here.
    """

    kind: Kind
    subject: str
    what: str
    way_on: str
    act: Callable[[], str] | None = None
    notice: bool = False


class Outcome(NamedTuple):
    """One finding after the command: `done` says what was done, `failed` why it failed."""

    found: Finding
    done: str = ""
    failed: str = ""

    @property
    def open(self) -> bool:
        return not self.done and not self.found.notice
