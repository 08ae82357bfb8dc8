"""When what okstra writes reaches the disk (docs/design/durability.md).

Usually before the call returns. But while git fills a worktree, one fsync makes the file system write out everything
that is pending, git's ten thousand files among it, and blocks whoever creates a file meanwhile. So from the start of a
checkout to the end of its command, fsync is deferred: writeback is started in the order of the writes, and a
background process syncs the files after the command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SYNC_LATER = 'sleep 1; exec sync "$@"'  # not at once: other checkouts may be running


class _DeferredSync:
    """The state of this process: `paths` is None while fsync is not deferred."""

    enabled = False
    paths: dict[str, None] | None = None


_deferred = _DeferredSync()


@contextmanager
def deferred_fsync() -> Iterator[None]:
    """For a command that may check a worktree out: what it defers is synced in the background after it."""
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
    """A checkout begins: from here on fsync is deferred, if the command runs within `deferred_fsync`."""
    if _deferred.enabled and _deferred.paths is None:
        _deferred.paths = {}


def is_deferring() -> bool:
    return _deferred.paths is not None


def sync(descriptor: int, path: str) -> None:
    """Syncs a file or a folder: now, or after the command. Raises OSError."""
    if _deferred.paths is None:
        os.fsync(descriptor)
    else:
        _deferred.paths[path] = None
        _start_writing(descriptor)


def defer_fsync(path: str) -> None:
    """As `sync`, for a file that another program wrote; a missing file is skipped."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            sync(descriptor, path)
        finally:
            os.close(descriptor)


def _start_writing(descriptor: int) -> None:
    """Linux starts to write a file out when it is advised that nobody needs it in the page cache. A rename that follows
    is never on the disk without the file's bytes (ext4 with default mount options)."""
    advise = getattr(os, "posix_fadvise", None)
    if advise is not None:
        with suppress(OSError):
            advise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_in_background(paths: list[str]) -> None:
    from . import processes  # only a checkout starts one

    try:
        processes.start_detached(["sh", "-c", _SYNC_LATER, "okstra-sync", *paths])
    except OSError:  # no process could be started: sync here
        for path in paths:
            defer_fsync(path)
