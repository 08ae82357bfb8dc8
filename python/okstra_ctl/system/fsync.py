"""When what okstra writes reaches the disk (docs/design/durability.md).

Usually before the call returns. But while git fills a worktree, one sync makes the file system write out all that
is waiting, git's ten thousand files and everybody else's, and stops whoever makes a file meanwhile. So what is
written from a checkout's start to its command's end is given to the disk without waiting, in the order of the
writes, and synced by a process that goes on behind the command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SYNC_LATER = 'sleep 1; exec sync "$@"'  # not at once: side by side with it others check out


class _DeferredSync:
    """This process's: `paths` is None while everything is synced at once."""

    enabled = False
    paths: dict[str, None] | None = None


_deferred = _DeferredSync()


@contextmanager
def deferred_fsync() -> Iterator[None]:
    """Around a command that may check a worktree out: what it owes the disk then is settled behind it."""
    if _deferred.enabled:
        yield
        return
    _deferred.enabled = True
    try:
        yield
    finally:
        paths, _deferred.paths, _deferred.enabled = _deferred.paths, None, False
        if paths:
            _sync_in_background(list(paths))


def start_deferring() -> None:
    """A checkout begins: from here on nothing is waited for, where that will be settled."""
    if _deferred.enabled and _deferred.paths is None:
        _deferred.paths = {}


def is_deferring() -> bool:
    return _deferred.paths is not None


def sync(descriptor: int, path: str) -> None:
    """Sees to it that a file, or a folder's names, reach the disk: now, or behind the command. Raises OSError."""
    if _deferred.paths is None:
        os.fsync(descriptor)
    else:
        _deferred.paths[path] = None
        _start_writing(descriptor)


def defer_fsync(path: str) -> None:
    """As `sync`, for a file that another program wrote; one that is not there is owed nothing."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            sync(descriptor, path)
        finally:
            os.close(descriptor)


def _start_writing(descriptor: int) -> None:
    """Linux begins to write the file out when it is told that nobody needs it in memory. A name that is then given
    to it is never on the disk without its bytes (ext4, as it is mounted by default)."""
    advise = getattr(os, "posix_fadvise", None)
    if advise is not None:
        with suppress(OSError):
            advise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_in_background(paths: list[str]) -> None:
    from . import processes  # slow to import, and light commands owe nothing

    try:
        processes.start_detached(["sh", "-c", _SYNC_LATER, "okstra-sync", *paths])
    except OSError:  # no process to be had: then it is waited for after all
        for path in paths:
            defer_fsync(path)
