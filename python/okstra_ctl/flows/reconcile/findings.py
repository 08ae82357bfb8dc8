"""What a survey finds: each with its way on, and with the act that puts it right where okstra may do that."""

from __future__ import annotations

from ...words.hints import Callable
from ...words.records import Record
from ...words.word import Word


class Kind(Word):
    """What can be amiss."""

    ABANDONED = "abandoned"
    STARTED_ROW = "started-row-missing"
    DONE_MARK = "done-mark-missing"
    INTERRUPTED = "interrupted"
    FOLDER_GONE = "folder-gone"
    ORPHAN = "orphan-worktree"
    SCRATCH = "scratch-left"
    MERGE = "merge-unfinished"
    REWRITTEN = "done-commit-rewritten"
    LOST_COMMIT = "done-commit-lost"
    LEDGER_LINES = "ledger-lines-unreadable"
    NOT_INDEXED = "not-indexed"
    PROJECT_GONE = "project-gone"


class Found(Record):
    """`act` puts it right and answers what it did; None where a person decides, by the way that `way_on` names."""

    kind: Kind
    subject: str
    what: str
    way_on: str
    act: Callable[[], str] | None = None


class Outcome(Record):
    """One finding after the command: `done` tells what was done, `failed` why it could not be."""

    found: Found
    done: str = ""
    failed: str = ""

    @property
    def open(self) -> bool:
        return not self.done
