"""Hooks that lie in the tree, by a `core.hooksPath` like `.husky`: whoever commits there decides what a person's git
runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence

from ..system import files
from .command import git, must, text
from .repository import hooks_path

_HUSKYS_OWN = "_"
"""Below `.husky`: what husky generates there, which runs the hooks of its parent folder."""
_FILE, _PROGRAM = "100644", "100755"


def changed_hooks(worktree: str, head: str, bases: Sequence[str], main: str) -> list[str]:
    """Files of the hooks' folder in that worktree, or at `head`, that no base commit has; those that git does not track
    are compared with the main checkout's. Empty where the hooks lie elsewhere."""
    folder = _folder_in(worktree)
    if not folder:
        return []
    places = [os.path.dirname(folder) or folder] if os.path.basename(folder) == _HUSKYS_OWN else [folder]
    known = [_entries(worktree, base, places) for base in bases]
    committed = _entries(worktree, head, places)
    names = {*committed, *_names_on_disk(worktree, places), *(name for base in known for name in base)}
    return sorted(
        name
        for name in names
        if committed.get(name, "") not in {base.get(name, "") for base in known}
        or not _is_as_known(worktree, name, known, main)
    )


def _folder_in(worktree: str) -> str:
    """The hooks' folder relative to the worktree; empty when it is no folder inside it."""
    named = hooks_path(worktree)
    top = os.path.realpath(worktree)
    folder = os.path.realpath(os.path.join(top, os.path.expanduser(named))) if named else top
    return os.path.relpath(folder, top) if folder.startswith(top + os.sep) else ""


def _entries(root: str, commit: str, places: Sequence[str]) -> Mapping[str, str]:
    """Mode and blob by path."""
    listed = must(
        git(root, "--literal-pathspecs", "ls-tree", "-rz", commit, "--", *places, read_only=True), "list hooks"
    )
    pairs = [entry.partition(b"\t") for entry in listed.split(b"\0") if entry]
    return {text(name): f"{text(facts[:6])} {text(facts.split()[2])}" for facts, _, name in pairs}


def _names_on_disk(worktree: str, places: Sequence[str]) -> list[str]:
    return [
        os.path.relpath(os.path.join(folder, name), worktree)
        for place in places
        for folder, folders, names in os.walk(os.path.join(worktree, place))
        for name in [*names, *(one for one in folders if os.path.islink(os.path.join(folder, one)))]
    ]


def _is_as_known(worktree: str, name: str, known: Sequence[Mapping[str, str]], main: str) -> bool:
    """Whether the file on disk, if there is one, is what a base commit has; else what the main checkout has."""
    path, original = os.path.join(worktree, name), os.path.join(main, name)
    try:
        found = os.lstat(path)
    except OSError:
        return True
    if stat.S_ISLNK(found.st_mode):
        return os.path.islink(original) and os.readlink(path) == os.readlink(original)
    if not stat.S_ISREG(found.st_mode):
        return False
    if any(name in base for base in known):
        blob = text(git(worktree, "hash-object", "--", name, read_only=True).stdout).strip()
        return f"{_PROGRAM if found.st_mode & stat.S_IXUSR else _FILE} {blob}" in {base.get(name) for base in known}
    return os.path.isfile(original) and files.read_bytes(original) == files.read_bytes(path)
