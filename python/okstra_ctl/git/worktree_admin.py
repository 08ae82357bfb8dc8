"""The folders that git keeps of linked worktrees, `<common dir>/worktrees/<name>`, read and moved as files.

`git worktree list` shows complete ones only. What a killed `git worktree add` or `remove` leaves is unknown to git, and
stays for ever, because it is locked. So the folders are read directly, and renamed before they are removed: a crash
leaves a complete one, or none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import rmtree
from typing import NamedTuple

from .. import git
from ..errors import Busy, Unreadable
from ..system import files, foreign_files
from ..system.locks import share_fence, try_fence

_FORGOTTEN = "okstra-forgotten-"
_FENCE = "okstra.fence"
_LARGEST = 64 * 1024
_SETTLE_SECONDS = 0.05  # a live `git worktree add` writes its first three files within a millisecond
_POLL_SECONDS = 0.01
_WAIT_SECONDS = 30.0


class AdminFolder(NamedTuple):
    """`worktree` is empty where git has not written its path yet; `reason` is None when it is not locked."""

    folder: str
    worktree: str
    reason: str | None

    def may_be_a_start_of(self, token: str) -> bool:
        """Whether a `git worktree add` with that lock reason may have been killed here: the lock file is written
        first."""
        return not self.worktree and token.startswith(self.reason or "")


def admin_folders(common_dir: str) -> list[AdminFolder]:
    """All of them, incomplete ones included."""
    folder = os.path.join(common_dir, "worktrees")
    return [_read(os.path.join(folder, name)) for name in files.names_in(folder)]


def at(common_dir: str, worktree: str) -> AdminFolder | None:
    """The one of the worktree at that path, which itself may be gone."""
    wanted = os.path.realpath(worktree)
    found = (one for one in admin_folders(common_dir) if one.worktree and os.path.realpath(one.worktree) == wanted)
    return next(found, None)


def made_for(common_dir: str, worktree: str, token: str) -> list[AdminFolder]:
    """Those that a `git worktree add` for that folder, locked with that token, made or began.

    Looking twice tells one that a kill left without a path from one that another git is just making. The caller holds
    the repository lock, so no other git process of okstra runs.
    """
    own = [one for one in admin_folders(common_dir) if one.reason == token]
    return own + _abandoned(common_dir, os.path.basename(worktree), token)


def named(common_dir: str, name: str) -> AdminFolder | None:
    """The one of exactly that name, complete or not: for worktrees whose folder names are never used twice."""
    folder = os.path.join(common_dir, "worktrees", name)
    return _read(folder) if os.path.isdir(folder) else None


def forget(common_dir: str, admin: AdminFolder) -> None:
    """Removes it, with one rename first. Raises WorkFailed (`write-failed`)."""
    try:
        os.rename(admin.folder, os.path.join(common_dir, f"{_FORGOTTEN}{os.getpid()}-{time.monotonic_ns()}"))
    except FileNotFoundError:
        return
    except OSError as error:
        files.raise_write_failed(admin.folder, error)
    sweep(common_dir)
    try:
        os.rmdir(os.path.join(common_dir, "worktrees"))  # as git does when the last one goes
    except OSError:
        return


def detached_head(admin: AdminFolder) -> str:
    """The commit of the worktree's detached HEAD; empty when it is on a branch."""
    return git.detached_commit(admin.folder)


def point_at(worktree: str, folder: str) -> None:
    """Lets the worktree's `.git` name that folder, whatever a worker has put there; no file is lost but `.git` itself.
    Raises WorkFailed."""
    path = os.path.join(worktree, ".git")
    if _names(path, folder) or not os.path.isdir(worktree):
        return
    if not os.path.isfile(path) or os.path.islink(path):
        foreign_files.set_aside(path)
    files.replace(path, os.fsencode(f"gitdir: {folder}\n"), mode=0o644)


def _names(path: str, folder: str) -> bool:
    try:
        data = foreign_files.read(path, _LARGEST)
    except Unreadable:
        return False
    named = os.fsdecode(data or b"").removeprefix("gitdir:").strip()
    return bool(named) and os.path.realpath(os.path.join(os.path.dirname(path), named)) == os.path.realpath(folder)


def was_filled(admin: AdminFolder) -> bool:
    """Whether git's checkout was completed: git keeps the index locked meanwhile, and writes the index last."""
    if os.path.lexists(os.path.join(admin.folder, "index")):
        return True
    begun = os.path.lexists(os.path.join(admin.folder, "index.lock"))
    return not begun and not is_empty(admin.worktree)  # somebody removed the index; the checkout was not killed


def was_put_on_a_branch(admin: AdminFolder) -> bool:
    """Whether HEAD was set again, by its reflog, since git added the worktree with a detached HEAD. A kill meanwhile
    leaves HEAD's lock."""
    if not detached_head(admin):
        return True
    once = git.times_head_was_set(admin.folder) == 1
    return not once and not os.path.lexists(os.path.join(admin.folder, "HEAD.lock"))


def is_empty(worktree: str) -> bool:
    """Whether the folder is empty but for `.git`, as a killed `git worktree add` leaves it."""
    try:
        return set(os.listdir(worktree)) <= {".git"}
    except OSError:
        return False


def sweep(common_dir: str) -> None:
    """Deletes what was renamed for removal; a killed process may have left some."""
    for name in files.names_in(common_dir):
        if name.startswith(_FORGOTTEN):
            rmtree(os.path.join(common_dir, name), ignore_errors=True)


@contextmanager
def fenced(admin_folder: str) -> Iterator[int]:
    """A descriptor for the processes that fill the worktree: while one of them is alive, `wait_until_idle` waits."""
    try:
        descriptor = os.open(os.path.join(admin_folder, _FENCE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, files.FILE_MODE)
    except OSError as error:
        files.raise_write_failed(os.path.join(admin_folder, _FENCE), error)
    try:
        share_fence(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def wait_until_idle(admin_folder: str) -> None:
    """Waits until no process that okstra started in the worktree is alive: git outlives a killed okstra.

    Raises Busy when it takes too long.
    """
    try:
        descriptor = os.open(os.path.join(admin_folder, _FENCE), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    deadline = time.monotonic() + _WAIT_SECONDS
    try:
        while not try_fence(descriptor):
            if time.monotonic() > deadline:
                raise Busy(
                    "busy",
                    "a process that a dead run started is still running in its worktree",
                    where=admin_folder,
                    hint="wait for it, or end it (a set-up command of project.json?), then try again",
                )
            time.sleep(_POLL_SECONDS)
    finally:
        os.close(descriptor)


def _abandoned(common_dir: str, name: str, token: str) -> list[AdminFolder]:
    def begun() -> dict[str, AdminFolder]:
        named = (one for one in admin_folders(common_dir) if _is_numbered(os.path.basename(one.folder), name))
        return {one.folder: one for one in named if one.reason != token and one.may_be_a_start_of(token)}

    before = begun()
    if not before:
        return []
    time.sleep(_SETTLE_SECONDS)
    return [one for folder, one in begun().items() if before.get(folder) == one]


def _is_numbered(folder: str, name: str) -> bool:
    """git names an admin folder after its worktree's, with a number where that is taken."""
    return folder == name or (folder.startswith(name) and folder[len(name) :].isdigit())


def _read(folder: str) -> AdminFolder:
    named = _text(os.path.join(folder, "gitdir")) or ""
    whole = named.endswith(f"{os.sep}.git")  # a kill can leave the first half of it, which names another folder
    worktree = os.path.dirname(os.path.join(folder, named)) if whole else ""
    return AdminFolder(folder, worktree, _text(os.path.join(folder, "locked")))


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read().removesuffix("\n")
    except OSError:
        return None
