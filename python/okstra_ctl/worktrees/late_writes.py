"""Detects what was written in a worktree between the saving of its unsaved work and the removal of its folder.

The folder is moved first, so that nobody can write into it by its path any more; then its content is compared with the
state at the time of saving.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .. import git
from ..git import submodules
from ..system import files

_MARKER = "okstra.leaving"


class Place(NamedTuple):
    """A working folder: the worktree's own (`below` is empty), or a submodule's. `files`: its dirty files, each
    with marks that change when the file does. `refs`: of a submodule."""

    below: str
    git_dir: str
    files: Mapping[str, tuple[int, ...]]
    refs: bytes = b""


def state_of(path: str, dirty: Iterable[str], inside: Mapping[str, Iterable[str]]) -> tuple[Place, ...]:
    """The state that is about to be saved: the dirty files of the worktree, and of its submodules (`inside`)."""
    own = Place("", os.path.realpath(git.worktree_git_dir(path)), _marks(path, dirty))
    return own, *(_submodule(path, below, names) for below, names in inside.items())


def changed_since(moved: str, seen: Iterable[Place]) -> bool:
    """Whether the folder, now at `moved`, has changed since the state `seen`."""
    return any(_differs(os.path.join(moved, place.below) if place.below else moved, place) for place in seen)


def mark_removing(path: str) -> None:
    """Marks the worktree in git's folder of it as being removed: somebody may write in it again, if this process dies
    before the folder is gone."""
    files.replace(os.path.join(git.worktree_git_dir(path), _MARKER), b"")


def unmark_removing(path: str) -> None:
    files.discard(os.path.join(git.worktree_git_dir(path), _MARKER))


def is_being_removed(admin_folder: str) -> bool:
    return os.path.lexists(os.path.join(admin_folder, _MARKER))


def _submodule(path: str, below: str, dirty: Iterable[str]) -> Place:
    folder = os.path.join(path, below)
    git_dir = _git_dir_of(folder) or os.path.realpath(git.worktree_git_dir(folder))
    return Place(below, git_dir, _marks(folder, dirty), submodules.refs_of(git_dir, folder))


def _differs(folder: str, place: Place) -> bool:
    git_dir = _git_dir_of(folder) or place.git_dir
    if place.below and submodules.refs_of(git_dir, folder) != place.refs:
        return True
    now = _marks(folder, git.dirty_files_moved(git_dir, folder))
    return any(place.files.get(name) != mark for name, mark in now.items())


def _git_dir_of(folder: str) -> str:
    """The git folder inside a submodule, which moves with it; empty when it is elsewhere."""
    inside = os.path.join(folder, ".git")
    return inside if os.path.isdir(inside) else ""


def _marks(folder: str, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    return {name: _mark(os.path.join(folder, name)) for name in names}


def _mark(path: str) -> tuple[int, ...]:
    try:
        found = os.lstat(path)
    except OSError:
        return ()
    return (found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
