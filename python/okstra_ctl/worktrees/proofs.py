"""Where okstra's own checkouts of a task stand, `<task place>/proof/<name>`: added, leased, removed with the task.

Each is a linked worktree with a detached HEAD, locked with a reason that names it. Nobody works in one, so nothing in
it is kept; what a kill leaves of one is removed when it is made again. No registry knows them: git's records do.

The lease is a lock that the programs started under it inherit: one that outlives a killed okstra still has it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .. import git
from ..errors import Busy, Interrupted
from ..git import worktree_admin
from ..home_paths import PROOFS, HomePaths
from ..names import TaskKey
from ..system import files, trash
from ..system.locks import LockKind, locked, try_fence

MARK = f" {PROOFS} "
_POLL_SECONDS = 0.02
_SILENT_SECONDS = 1.0
Show = Callable[[str], None]


def silent(text: str) -> None:
    """Shows nothing."""


def lock_reason(key: TaskKey, name: str) -> str:
    return f"okstra {key}{MARK}{name}"


def is_proof(path: str, reason: str | None) -> bool:
    """Whether that worktree, by its path and its lock reason, is such a checkout."""
    folder, name = os.path.split(path)
    own = f"{MARK}{name}"
    return bool(reason and reason.startswith("okstra ") and reason.endswith(own)) and os.path.basename(folder) == PROOFS


@contextmanager
def leased(
    home: HomePaths, key: TaskKey, *, wait: float, stop: threading.Event | None = None, show: Show = silent
) -> Iterator[int]:
    """The task's checkouts are the caller's alone while the block runs. The descriptor is for programs to inherit.

    `wait` is in seconds: another stage's check may take long, so `show` gets a word once it has. Raises Busy,
    Interrupted when `stop` is set.
    """
    path, deadline = home.proofs_lock(key), time.monotonic() + wait
    while True:
        descriptor = _opened(path)
        try:
            _await(descriptor, path, deadline, stop, show)
            if _is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _opened(path: str) -> int:
    files.make_folder(os.path.dirname(path))
    try:
        return files.private(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError as error:
        files.raise_write_failed(path, error)


def _is_at(descriptor: int, path: str) -> bool:
    """Whether the file is still the one at that path: whoever removed the checkouts removed it, too."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _await(descriptor: int, path: str, deadline: float, stop: threading.Event | None, show: Show) -> None:
    silent_until = time.monotonic() + _SILENT_SECONDS
    while not try_fence(descriptor):
        if time.monotonic() > silent_until:
            show("waits: another command uses this task's checkouts")
            silent_until = float("inf")
        if stop is not None and stop.is_set():
            raise Interrupted("interrupted", "stopped while another check of the task was running")
        if time.monotonic() > deadline:
            raise Busy(
                "busy",
                "another command is running a check in the task's own checkouts",
                where=os.path.dirname(path),
                hint="wait for it to end, then try again",
            )
        time.sleep(_POLL_SECONDS)


def add(home: HomePaths, repository: git.Repository, key: TaskKey, name: str, commit: str, *, lease: int) -> str:
    """Makes one anew, with the commit's files, whatever stood there; returns its path. Raises WorkFailed, Busy."""
    path, reason = os.path.join(home.proofs(key), name), lock_reason(key, name)
    with locked(LockKind.REPOSITORY, repository.lock) as lock:
        _drop(home, repository, path, reason)
        files.make_folder(os.path.dirname(path))
        git.worktree_add_detached(repository, path, commit, reason=reason, keep_open=(*lock.keep_open, lease))
    running = git.start_checkout(path, commit, workers=os.cpu_count() or 1, keep_open=(lease,))
    git.finish_checkout(running, path, git.worktree_git_dir(path))
    trash.sweep(home)
    return path


def standing(home: HomePaths, key: TaskKey) -> list[str]:
    """The paths of those that are there."""
    place = home.proofs(key)
    return [path for name in sorted(files.names_in(place)) if os.path.isdir(path := os.path.join(place, name))]


def remove(home: HomePaths, repository: git.Repository, key: TaskKey) -> bool:
    """Removes all of the task's; returns whether there was anything. Safe to repeat after a kill.

    Raises Busy while a command uses them.
    """
    place = home.proofs(key)
    if not os.path.lexists(place) and not _recorded(repository, key):
        return False
    with leased(home, key, wait=0.0), locked(LockKind.REPOSITORY, repository.lock):
        for name in _recorded(repository, key):
            _drop(home, repository, os.path.join(place, name), lock_reason(key, name))
        trash.throw_away(home, place)
    trash.sweep(home)
    return True


def _recorded(repository: git.Repository, key: TaskKey) -> list[str]:
    """The names of those that git has a record of."""
    start = lock_reason(key, "")
    reasons = (admin.reason or "" for admin in worktree_admin.admin_folders(repository.common_dir))
    return [reason.removeprefix(start) for reason in reasons if reason.startswith(start)]


def _drop(home: HomePaths, repository: git.Repository, path: str, reason: str) -> None:
    trash.throw_away(home, path)
    for admin in worktree_admin.made_for(repository.common_dir, path, reason):
        worktree_admin.forget(repository.common_dir, admin)
