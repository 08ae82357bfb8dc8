"""A file that is read often and changed seldom: read anew only when another has taken its place."""

from __future__ import annotations

import os
from _thread import allocate_lock

from ..words.scopes import ignoring
from . import fsio


class RereadFile:
    """The bytes of a file that its writers replace whole.

    The file that was read is held open: while it is, no other can come by its inode number, so the same number means
    the same file. Size and time are compared too, for an edit in place by hand.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._guard = allocate_lock()
        self._held: int | None = None
        self._identity: tuple[int, ...] = ()
        self._data: bytes | None = None

    def read(self) -> bytes | None:
        """The very bytes of the last call, if the file is the same; None where there is none. Raises Unreadable."""
        with self._guard:
            if self._held is None or self._identity != _identity_at(self.path):
                self._take()
            return self._data

    def replace(self, data: bytes) -> None:
        """Replaces the file whole; the caller holds the lock of its writers. Raises WorkFailed (`write-failed`)."""
        with self._guard:
            fsio.replace(self.path, data)
            self._hold()
            self._data = data

    def _take(self) -> None:
        self._hold()
        try:
            self._data = fsio.read_bytes(self.path)
        except BaseException:
            self._let_go()  # what was read before must not pass for what is there now
            raise
        if self._held is not None and self._identity != _identity_at(self.path):
            self._let_go()  # replaced meanwhile: what was read may be of either

    def _hold(self) -> None:
        self._let_go()
        with ignoring(OSError, ValueError):  # not there, or not to be read: `read_bytes` tells which
            self._held = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._identity = _identity(os.fstat(self._held))

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with ignoring(OSError):
                os.close(held)

    def __del__(self) -> None:
        self._let_go()


def _identity_at(path: str) -> tuple[int, ...]:
    try:
        return _identity(os.stat(path))
    except (OSError, ValueError):
        return ()


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
