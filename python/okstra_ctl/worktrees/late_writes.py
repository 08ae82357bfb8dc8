"""What was written in a worktree after its unsaved work was saved, and before its folder was taken away.

The folder is moved out of the way first, so that nobody who goes by its path writes into it any more; then what it
holds is compared with what was there when its work was saved.
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
    """A working folder: the worktree's own (`below` is empty), or a submodule's. `files`: what was dirty in it, with
    what tells one state of a file from another. `refs`: of a submodule."""

    below: str
    git_dir: str
    files: Mapping[str, tuple[int, ...]]
    refs: bytes = b""


def state_of(path: str, dirty: Iterable[str], inside: Mapping[str, Iterable[str]]) -> tuple[Place, ...]:
    """The state that is about to be saved: the dirty files of the worktree, and `inside` it of its submodules."""
    own = Place("", os.path.realpath(git.worktree_git_dir(path)), _marks(path, dirty))
    return own, *(_submodule(path, below, names) for below, names in inside.items())


def changed_since(moved: str, seen: Iterable[Place]) -> bool:
    """Whether the folder, which was moved to there, holds something that was not there when it was looked at."""
    return any(_differs(os.path.join(moved, place.below) if place.below else moved, place) for place in seen)


def mark_removing(path: str) -> None:
    """Notes beside git's record of the worktree that its removal has begun: its folder may be somebody's again, if
    this process dies before the folder is gone."""
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
    """The git folder that a submodule has within it, and takes along; empty when it is elsewhere."""
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
