"""The isolation receipt's values: the state before and after a run, and what each difference means.

A snapshot is taken before the first worker and after the last. Each difference has a place, and an author
(`guard/authorship.py`): a run fails for what its workers did, and for changes of unknown author in places where only
okstra and its workers work. Anything else is a note: people keep working beside a run.

Each comes with a command that shows it, and, only in the run's own worktree, one that undoes it. No command here
discards bytes: people paste them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..quoting import quote
from ..status import Word

_KEPT = "refs/okstra/kept/undone/"
_ABSENT = ""
_BRANCHES = "refs/heads/"
_REF = "ref: "
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


def changes(before: Snapshot, after: Snapshot, rights: Rights) -> tuple[Changed, ...]:
    """Every difference except the run's own allowed work, in a stable order."""
    return (
        *_heads(before, after, rights),
        *_refs(before, after, rights),
        *_main_files(before.dirty, after.dirty, rights.main),
        *_settings(before.files, after.files),
        *_folders(before.folders, after.folders),
        *_own_files(before, after, rights),
        *_sibling_files(before.siblings, after.siblings),
        *_unplanned(rights),
    )


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if old != new:
            yield name, old, new


def _heads(before: Snapshot, after: Snapshot, rights: Rights) -> Iterator[Changed]:
    for folder, old, new in _differences(before.heads, after.heads):
        own = folder == rights.worktree and folder != rights.main
        stands = new not in (_ABSENT, MISSING)
        git = f"git -C {quote(folder if stands else rights.main)}"
        undo = ""
        if not old:
            kind, detail = "worktree", "a worktree that was added"
        elif new in (_ABSENT, MISSING):
            kind, detail = "worktree", "a worktree that was removed"
            branch_before = before.refs.get(old.removeprefix(_REF), "")
            known = new == MISSING
            undo = _undo_removed_worktree(rights.main, folder, old, branch_before, known=known) if own else ""
        elif old.startswith(_REF) or new.startswith(_REF):
            kind, detail = "head", f"HEAD was {_name(old)}, and is {_name(new)}"
            undo = _undo_moved_head(folder, old, _commit(new, after)) if own else ""
        else:
            kind, detail = "head", f"HEAD, detached, was {old}, and is {new}"
            undo = _undo_moved_head(folder, old, new) if own else ""
        look = f"{git} status" if stands else f"{git} worktree list"
        yield Changed(kind, folder, detail, rights.place(folder), look, undo, folder)


def _own_worktree_exists(after: Snapshot, rights: Rights) -> bool:
    return after.heads.get(rights.worktree, MISSING) != MISSING


def _name(head: str) -> str:
    return head.removeprefix(_REF).removeprefix(_BRANCHES)


def _commit(head: str, snapshot: Snapshot) -> str:
    return snapshot.refs.get(head.removeprefix(_REF), "") if head.startswith(_REF) else head


def _refs(before: Snapshot, after: Snapshot, rights: Rights) -> Iterator[Changed]:
    for ref, old, new in _differences(before.refs, after.refs):
        if ref == rights.branch and new:
            continue
        kind = "remote-ref" if ref.startswith("refs/remotes/") else "ref"
        place = rights.place(ref)
        if ref.startswith("refs/okstra/"):  # okstra creates such refs at any time, and removes none
            place = Place.OKSTRAS if old else Place.BUSY
        detail = f"{old or 'nothing'} before, {new or 'nothing'} now"
        undo = ""
        if ref == rights.own_branch and _own_worktree_exists(after, rights):
            undo = _undo_moved_branch(rights.worktree, ref, old, new)
        yield Changed(kind, ref, detail, place, _log(rights.main, old, new), undo)


def _log(root: str, old: str, new: str) -> str:
    revisions = f"{old}..{new}" if old and new else f"-3 {old or new}"
    return f"git -C {quote(root)} log --oneline {revisions}"


def _main_files(before: Mapping[str, str], after: Mapping[str, str], root: str) -> Iterator[Changed]:
    for path, old, new in _differences(before, after):
        kind = "ignored-file" if (new or old).startswith("!!") else "main-worktree"
        yield Changed(kind, path, _change_of(old, new), Place.SHARED, _look(root, path, new), folder=root)


def _own_files(before: Snapshot, after: Snapshot, rights: Rights) -> Iterator[Changed]:
    """There is no undo command if the worktree was not clean before: it would stash earlier work, too."""
    if rights.edits or not _own_worktree_exists(after, rights):
        return
    root = rights.worktree
    for path, old, new in _differences(before.own, after.own):
        undo = _undo_changed_files(root, path, hidden=new.startswith(HIDDEN)) if not before.own else ""
        yield Changed("source-edit", path, _change_of(old, new), Place.OKSTRAS, _look(root, path, new), undo, root)


def _sibling_files(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Changed]:
    """Differences in worktrees that both snapshots looked at."""
    looked_at = [folder for folder in before if before[folder] == after.get(folder) == LOOKED_AT]
    for path, old, new in _differences(before, after):
        folder = next((one for one in looked_at if path.startswith(f"{one}/")), "")
        if folder:
            name = path[len(folder) + 1 :]
            yield Changed("sibling", path, _change_of(old, new), Place.OKSTRAS, _look(folder, name, new), folder=folder)


def _change_of(old: str, new: str) -> str:
    if new.startswith(HIDDEN):
        return "hidden from git by an index flag, and changed"
    if not old:
        return "a new file" if new[:2] in ("??", "!!") else "changed"
    return "its uncommitted change is another one now" if new else "its uncommitted change is gone"


def _look(root: str, path: str, new: str) -> str:
    git, name = f"git -C {quote(root)}", quote(path)
    if new.startswith(("??", "!!", HIDDEN)):
        return f"ls -l {quote(f'{root}/{path}')}"
    return f"{git} diff HEAD -- {name}" if new else f"{git} log --oneline -3 -- {name}"


def _settings(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Changed]:
    for path, old, new in _differences(before, after):
        detail = "changed" if old and new else "deleted" if old else "added"
        yield Changed("settings", path, detail, Place.SHARED, f"ls -l {quote(path)}")


def _folders(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Changed]:
    for path, _, new in _differences(before, after):
        detail = "its contents changed" if new else "it is gone"
        look = f"ls -lt {quote(path)}"
        yield Changed("synced-folder", path, f"{detail}; worktrees are filled from it", Place.SHARED, look)


def _unplanned(rights: Rights) -> Iterator[Changed]:
    for path in rights.unplanned:
        look = f"git -C {quote(rights.worktree)} log -- {quote(path)}"
        detail = "committed, and the plan does not name it for this stage"
        yield Changed("out-of-plan", path, detail, Place.OKSTRAS, look, folder=rights.worktree)


def _undo_changed_files(worktree: str, path: str, *, hidden: bool) -> str:
    """Stashes all changes at once: `git stash` handles staged, unstaged and untracked files, but not a deleted file
    given by its path."""
    git = _git(worktree)
    shown = [f"{git} update-index --no-{flag} -- {quote(path)}" for flag in ("assume-unchanged", "skip-worktree")]
    return " && ".join([*(shown if hidden else []), _stash(git)])


def _undo_moved_head(worktree: str, old: str, commit: str) -> str:
    """`old` is the previous HEAD: `ref: <branch>` or a commit; `commit` is the current one, if known."""
    git = _git(worktree)
    if old.startswith(_REF):
        back = f"{git} symbolic-ref HEAD {quote(old.removeprefix(_REF))}"
    else:
        back = f"{git} update-ref --no-deref HEAD {old}"
    return " && ".join([*_kept(git, commit), back, _stash(git)])


def _undo_moved_branch(worktree: str, ref: str, old: str, new: str) -> str:
    """Empty if the branch did not exist before: no branch is deleted."""
    if not old:
        return ""
    git = _git(worktree)
    return " && ".join([*_kept(git, new), f"{git} update-ref {quote(ref)} {old} {new}".rstrip(), _stash(git)])


def _undo_removed_worktree(main: str, worktree: str, old: str, branch_before: str, *, known: bool) -> str:
    """`branch_before` is its branch's previous commit: the branch is recreated if it is gone, too. `known`: git still
    lists the worktree, locked, so `--force` is needed twice."""
    git, folder = _git(main), f"{'--force --force ' if known else ''}{quote(worktree)}"
    if not old.startswith(_REF):
        return f"{git} worktree add --detach {folder} {old}"
    ref = old.removeprefix(_REF)
    there = f"{git} rev-parse --verify --quiet {quote(ref)}"
    made = f"{git} update-ref {quote(ref)} {branch_before} ''"
    add = f"{git} worktree add {folder} {quote(ref.removeprefix('refs/heads/'))}"
    return f"({there} || {made}) && {add}" if branch_before else add


def _git(folder: str) -> str:
    return f"git -C {quote(folder)}"


def _kept(git: str, commit: str) -> list[str]:
    return [f"{git} update-ref {_KEPT}{commit} {commit}"] if commit else []


def _stash(git: str) -> str:
    return f"{git} stash push --include-untracked --message 'changed during an okstra run'"


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
