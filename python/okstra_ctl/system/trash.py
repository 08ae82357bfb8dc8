"""Removes large folders at once: they are renamed into the trash and deleted in the background.

What a killed process left in the trash, the next command that removes something deletes.
"""

from __future__ import annotations

import os
import time
from shutil import rmtree

from ..errors import Refused
from ..home_paths import PROOFS, WORKTREE_DEPTH, HomePaths
from . import files, processes
from .process_identity import owner_of

_ASIDE = ".aside"


def is_ours(home: HomePaths, path: str) -> bool:
    """Whether the path is a worktree of this home: `<project>/<group>/<id>/<name>`, or `.../proof/<name>`."""
    parent, name = os.path.split(os.path.abspath(path))
    below = os.path.relpath(os.path.join(os.path.realpath(parent), name), os.path.realpath(home.worktrees))
    parts = below.split(os.sep)
    proof = len(parts) > WORKTREE_DEPTH and parts[WORKTREE_DEPTH - 1] == PROOFS
    return len(parts) == WORKTREE_DEPTH + proof and os.pardir not in parts


def check_is_ours(home: HomePaths, path: str) -> None:
    """Raises Refused (`worktree-foreign`) for a folder elsewhere.

    Paths come from files. A damaged or edited one must not make okstra remove somebody else's folder.
    """
    if not is_ours(home, path):
        raise Refused(
            "worktree-foreign",
            f"{path} is not among okstra's worktrees; it was not touched",
            where=home.worktrees,
            hint="if you moved it, remove it by hand: git worktree remove; or set OKSTRA_HOME to where it was made",
        )


def throw_away(home: HomePaths, path: str) -> None:
    """Moves a worktree's folder to the trash. A missing folder is not an error. Raises WorkFailed, Refused."""
    if not os.path.lexists(path):
        return
    check_is_ours(home, path)
    files.make_folder(home.trash)
    try:
        os.rename(path, os.path.join(home.trash, f"{os.getpid()}-{time.monotonic_ns()}"))
    except OSError as error:
        if os.path.isdir(path) and not os.path.islink(path):
            rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            files.raise_write_failed(path, error)


def set_aside(home: HomePaths, path: str) -> str:
    """As `throw_away`, but kept until `discard_aside` while this process is alive; returns where the folder is now.

    Empty for a folder that was missing, or that could not be moved and was deleted.
    """
    if not os.path.lexists(path):
        return ""
    check_is_ours(home, path)
    files.make_folder(home.trash)
    aside = os.path.join(home.trash, f"{os.getpid()}-{time.monotonic_ns()}{_ASIDE}")
    try:
        os.rename(path, aside)
    except OSError:
        throw_away(home, path)
        return ""
    return aside


def discard_aside(aside: str) -> None:
    """Lets the next sweep delete what was set aside."""
    os.rename(aside, aside.removesuffix(_ASIDE))


def put_back(aside: str, path: str) -> None:
    """Moves back what was set aside. Raises Refused (`worktree-dirty`) when the path exists again: then the folder is
    beside it."""
    try:
        os.rename(aside, path)
    except OSError as error:
        beside = f"{path}-{os.path.basename(aside).removesuffix(_ASIDE)}"
        os.rename(aside, beside)
        raise Refused(
            "worktree-dirty",
            f"files were written while {path} was removed, and again at the same path ({error.strerror})",
            where=beside,
            hint="the earlier files are in that folder; take from it what you need, then try again",
        ) from error


def sweep(home: HomePaths) -> None:
    """Empties the trash in a background process."""
    names = [name for name in files.names_in(home.trash) if not _owner_lives(name)]
    if names:
        processes.start_detached(["rm", "-rf", "--", *(os.path.join(home.trash, name) for name in names)])


def _owner_lives(name: str) -> bool:
    """Whether it was set aside by a process that is alive."""
    pid = name.partition("-")[0]
    return name.endswith(_ASIDE) and pid.isdigit() and bool(owner_of(int(pid)).start_time)
