"""What a survey finds: each with its way on, and with the act that puts it right where okstra may do that."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..status import Word


class Kind(Word):
    """What can be amiss."""

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


ALREADY_DONE = "another command has dealt with it; nothing was changed"
"""What an act answers that finds, as it decides again under the lock, that there is nothing left to put right."""


class Finding(NamedTuple):
    """`act` puts it right and returns what it did; None where a person decides, by the way that `way_on` names.

    Every act decides again, under the lock, whether what was found still is so: a command may have begun since.
    `notice`: nothing is amiss, and nothing is to be done from here.
    """

    kind: Kind
    subject: str
    what: str
    way_on: str
    act: Callable[[], str] | None = None
    notice: bool = False


class Outcome(NamedTuple):
    """One finding after the command: `done` tells what was done, `failed` why it could not be."""

    found: Finding
    done: str = ""
    failed: str = ""

    @property
    def open(self) -> bool:
        return not self.done and not self.found.notice
