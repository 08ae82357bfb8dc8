"""The isolation receipt: what a run may have changed, and what it did change (spec 5, "Guard").

A snapshot is taken before the first worker and after the last. What differs is a breach, unless it is this run's
own allowed work or another okstra run's, known from the registry. A breach is told with commands that undo it;
nothing is ever undone, or deleted, by okstra itself.
"""

from __future__ import annotations

import shlex

from ..words.hints import Iterator, Mapping
from ..words.records import Record

SCHEMA = "isolation/1"
_ABSENT = ""


class Snapshot(Record):
    """What stands where, as words to compare. `refs`: full name to commit. `heads`: folder of a worktree to what its
    HEAD says. `dirty`: path in the main worktree to its status, size and time. `files`: settings and hooks by
    absolute path to a digest. `folders`: synced folders by absolute path to a fingerprint. `own`: as `dirty`, of
    the run's own worktree."""

    refs: Mapping[str, str]
    heads: Mapping[str, str]
    dirty: Mapping[str, str]
    files: Mapping[str, str]
    folders: Mapping[str, str]
    own: Mapping[str, str]

    def to_json(self) -> dict[str, object]:
        return {name: dict(values) for name, values in self._asdict().items()}

    @classmethod
    def from_json(cls, value: object) -> Snapshot:
        """Raises ValueError on another shape."""
        try:
            assert isinstance(value, dict)
            return cls(*({str(k): str(v) for k, v in value[name].items()} for name in cls._fields))
        except (AssertionError, KeyError, AttributeError) as error:
            raise ValueError("it is no snapshot") from error


class Rights(Record):
    """What the run may change. `branch` is a full ref that it may move (empty: none); `others` are the branches and
    worktree folders of other okstra runs; `unplanned` files that its commits touch and its plan does not name;
    `edits` whether its worktree may differ at all."""

    main: str
    worktree: str
    branch: str
    edits: bool
    others_refs: frozenset[str]
    others_folders: frozenset[str]
    unplanned: tuple[str, ...] = ()


class Breach(Record):
    """One thing that the run had no right to change: a kind, what it is, how it differs, and how it is undone."""

    kind: str
    what: str
    detail: str
    undo: str


def breaches(before: Snapshot, after: Snapshot, rights: Rights) -> tuple[Breach, ...]:
    """Every difference that nothing allows, in a stable order."""
    return (
        *_ref_breaches(before.refs, after.refs, rights),
        *_head_breaches(before.heads, after.heads, rights),
        *_file_breaches("main-worktree", before.dirty, after.dirty, rights.main),
        *_settings_breaches(before.files, after.files),
        *_folder_breaches(before.folders, after.folders),
        *_own_breaches(before.own, after.own, rights),
        *_plan_breaches(rights),
    )


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if old != new:
            yield name, old, new


def _ref_breaches(before: Mapping[str, str], after: Mapping[str, str], rights: Rights) -> Iterator[Breach]:
    for ref, old, new in _changes(before, after):
        if ref == rights.branch or ref in rights.others_refs or ref.startswith("refs/okstra/"):
            continue
        git = f"git -C {shlex.quote(rights.main)}"
        name = shlex.quote(ref)
        detail = f"{old[:12] or 'nothing'} before, {new[:12] or 'nothing'} now"
        if ref.startswith("refs/remotes/"):
            undo = f"{git} log {old or new}..{new or old}  # then ask who pushed or fetched"
            yield Breach("remote-ref", ref, f"{detail}: something was pushed, or fetched", undo)
        elif not old:
            yield Breach("ref", ref, "made by the run", f"{git} update-ref -d {name} {new}")
        elif not new:
            yield Breach("ref", ref, "deleted by the run", f"{git} update-ref {name} {old}")
        else:
            yield Breach("ref", ref, detail, f"{git} update-ref {name} {old} {new}")


def _head_breaches(before: Mapping[str, str], after: Mapping[str, str], rights: Rights) -> Iterator[Breach]:
    for folder, old, new in _changes(before, after):
        if folder in rights.others_folders or (folder == rights.worktree and rights.edits and old == new):
            continue
        if not old:
            undo = f"git -C {shlex.quote(rights.main)} worktree remove {shlex.quote(folder)}"
            yield Breach("worktree", folder, "a worktree that the run made", undo)
        elif not new:
            undo = f"git -C {shlex.quote(rights.main)} worktree add {shlex.quote(folder)} {old.removeprefix('ref: ')}"
            yield Breach("worktree", folder, "a worktree that the run removed", undo)
        else:
            branch = old.removeprefix("ref: refs/heads/")
            undo = f"git -C {shlex.quote(folder)} switch {shlex.quote(branch)}"
            yield Breach("head", folder, f"HEAD said {old!r}, and says {new!r}", undo)


def _file_breaches(kind: str, before: Mapping[str, str], after: Mapping[str, str], root: str) -> Iterator[Breach]:
    for path, old, new in _changes(before, after):
        git, name = f"git -C {shlex.quote(root)}", shlex.quote(path)
        if not old and new.startswith("??"):
            yield Breach(kind, path, "a file that the run left", f"rm -i {shlex.quote(f'{root}/{path}')}")
        elif not old:
            yield Breach(kind, path, "changed by the run", f"{git} diff -- {name}; {git} restore -- {name}")
        elif not new:
            yield Breach(kind, path, "a change that stood here before the run is gone", f"{git} fsck --lost-found")
        else:
            yield Breach(kind, path, "uncommitted work that the run changed", f"{git} diff -- {name}")


def _settings_breaches(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Breach]:
    for path, old, new in _changes(before, after):
        if not old:
            yield Breach("settings", path, "added by the run", f"rm -i {shlex.quote(path)}")
        else:
            told = "changed by the run" if new else "deleted by the run"
            yield Breach(
                "settings", path, told, f"ls -l {shlex.quote(path)}  # look at it, and put back what stood there"
            )


def _folder_breaches(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Breach]:
    for path, _, new in _changes(before, after):
        told = "its contents were changed" if new else "it is gone"
        yield Breach("synced-folder", path, f"{told}: a worktree shares it", "install the dependencies anew there")


def _own_breaches(before: Mapping[str, str], after: Mapping[str, str], rights: Rights) -> Iterator[Breach]:
    if not rights.edits:
        yield from _file_breaches("source-edit", before, after, rights.worktree)


def _plan_breaches(rights: Rights) -> Iterator[Breach]:
    for path in rights.unplanned:
        undo = f"git -C {shlex.quote(rights.worktree)} log -- {shlex.quote(path)}"
        yield Breach("out-of-plan", path, "committed, and the plan does not name it for this stage", undo)
