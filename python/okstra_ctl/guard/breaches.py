"""The isolation receipt's values: the state before and after a run, and what each difference means.

A snapshot is taken before the first worker and after the last. Each difference has a place, and an author
(`guard/authors.py`): a run fails for what its workers did, and for changes of unknown author in places where only
okstra and its workers work. Anything else is a note: people keep working beside a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..status import Word

SCHEMA = "isolation/1"
UNKNOWN = "unknown"
SOMEBODY = "person or other program"
WORKER = "worker "
HIDDEN = "h "
"""The code of a changed file that an index flag hides from git: assume-unchanged, skip-worktree."""
MISSING = "missing"
"""The HEAD of a worktree that git lists and whose folder is gone."""
LOOKED_AT = "looked at"
_SHOWN_OF_A_KIND = 20


class Place(Word):
    """Who works in a place."""

    OKSTRAS = "okstra's"  # only okstra and its workers work there
    SHARED = "shared"
    BUSY = "busy"  # another okstra run was at work there meanwhile


class Snapshot(NamedTuple):
    """The state of a repository, as texts to compare. `refs`: full name to commit. `heads`: worktree folder to HEAD.
    `dirty`: path in the main worktree to its status, size and time, ignored files included. `files`: settings and
    hooks, absolute path to digest. `folders`: synced folders, absolute path to fingerprint. `own`: as `dirty`, for the
    run's own worktree. `siblings`: as `dirty`, with absolute paths, for okstra's idle worktrees, each of which is
    listed itself, too."""

    refs: Mapping[str, str]
    heads: Mapping[str, str]
    dirty: Mapping[str, str]
    files: Mapping[str, str]
    folders: Mapping[str, str]
    own: Mapping[str, str]
    siblings: Mapping[str, str] = MappingProxyType({})

    def to_json(self) -> dict[str, object]:
        return {name: dict(values) for name, values in self._asdict().items()}

    @classmethod
    def from_json(cls, value: object) -> Snapshot:
        """Raises ValueError for a value of another shape."""
        try:
            assert isinstance(value, dict)
            given = {"siblings": {}, **value}
            return cls(*({str(k): str(v) for k, v in given[name].items()} for name in cls._fields))
        except (AssertionError, KeyError, AttributeError) as error:
            raise ValueError("it is no snapshot") from error


class Rights(NamedTuple):
    """What the run may change, and who works elsewhere. `branch` is the full ref that it may move (empty: none),
    `own_branch` its worktree's; `edits`: its worktree may change; `okstras` are all refs and folders of okstra's
    claims, `busy` those of runs that were at work meanwhile; `unplanned` are files that its commits touch and its plan
    does not name."""

    main: str
    worktree: str
    branch: str
    own_branch: str
    edits: bool
    okstras: frozenset[str]
    busy: frozenset[str]
    unplanned: tuple[str, ...] = ()

    def place(self, name: str) -> Place:
        """The place of a ref or a worktree's folder."""
        if name in (self.worktree, self.own_branch) and name != self.main:
            return Place.OKSTRAS
        if name in self.busy:
            return Place.BUSY
        return Place.OKSTRAS if name in self.okstras else Place.SHARED


class Changed(NamedTuple):
    """One difference. `look` is a command that shows it; `undo` one that restores the run's own worktree, and keeps
    what it replaces."""

    kind: str
    what: str
    detail: str
    place: Place
    look: str
    undo: str = ""
    folder: str = ""
    """The worktree that it is in."""


class Entry(NamedTuple):
    """One row of the receipt."""

    kind: str
    what: str
    detail: str
    author: str
    look: str
    undo: str


class ReceiptVerdict(NamedTuple):
    breaches: tuple[Entry, ...]
    notes: tuple[Entry, ...]


def judge(changes: Sequence[Changed], author_of: Callable[[Changed], str]) -> ReceiptVerdict:
    """Sorts changes into breaches, which fail the run, and notes."""
    breaches, notes = [], []
    for one in changes:
        author = author_of(one)
        entry = Entry(one.kind, one.what, one.detail, author, one.look, one.undo)
        if author.startswith(WORKER) or (one.place is Place.OKSTRAS and author == UNKNOWN):
            breaches.append(entry)
        elif one.place is not Place.BUSY:
            notes.append(entry._replace(undo=""))
    return ReceiptVerdict(tuple(breaches), tuple(_first_of_each_kind(notes)))


def _first_of_each_kind(notes: Sequence[Entry]) -> Iterator[Entry]:
    """Limits the notes of each kind: a build beside the run may change thousands of files."""
    counts: dict[str, int] = {}
    for entry in notes:
        counts[entry.kind] = counts.get(entry.kind, 0) + 1
        if counts[entry.kind] <= _SHOWN_OF_A_KIND:
            yield entry
    for kind, count in counts.items():
        if count > _SHOWN_OF_A_KIND:
            yield Entry(kind, f"{count - _SHOWN_OF_A_KIND} more", "changed meanwhile", UNKNOWN, "", "")
