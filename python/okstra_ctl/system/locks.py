"""The locks between processes, and the order in which they may be taken (docs/design/reservation.md).

Order: repository, registry, ledger, index; never two of one kind; never while a user's command, an agent, the network
or a prompt is waited for. fasteners takes POSIX record locks, which `flock(1)` does not exclude, and which are released
when their process opens and closes the lock file again: so only this module opens lock files, they are never deleted,
and a process-wide lock comes first.

Importing fasteners costs as much as the rest of taking a lock, and most locks are free: so a free one is taken here by
the same record lock, and fasteners does the waiting.

A POSIX lock ends with its process, while a git child that it started goes on. So the repository lock also has a fence:
an flock on a second file whose descriptor the git child inherits. Whoever gets the lock next waits until the last such
child has ended.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
import time
from _thread import LockType, allocate_lock, get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import Busy, InternalError
from ..status import Word
from . import files
from .text import dumps, loads

if TYPE_CHECKING:
    from fasteners import InterProcessLock

DEFAULT_TIMEOUT_SECONDS = 30.0
_NOTE = ".holder"
_FIRST_DELAY_SECONDS = 0.001
_LONGEST_DELAY_SECONDS = 0.008
# A record lock belongs to a process, so the check needs two. Exit 1: the record lock excluded nobody, 2: the flock.
_TWO_PROCESSES = """
import fcntl, os, sys
path = sys.argv[1]
held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
fence = os.open(path + ".fence", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(fence, fcntl.LOCK_EX | fcntl.LOCK_NB)
other = os.fork()
if not other:
    for status, name, lock in ((1, path, fcntl.lockf), (2, path + ".fence", fcntl.flock)):
        try:
            lock(os.open(name, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        os._exit(status)
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))
"""
_FAULTS = {1: "record locks (POSIX) don't exclude other processes there", 2: "flock is not honoured there"}


class LockKind(Word):
    """In the order in which they may be taken."""

    REPOSITORY = "repository"
    REGISTRY = "registry"
    LEDGER = "ledger"
    INDEX = "index"


_ORDER = tuple(LockKind)
_kinds_by_thread: dict[int, list[LockKind]] = {}  # by thread
_in_process: dict[str, LockType] = {}
_in_process_guard = allocate_lock()


class HeldLock:
    """A lock that this process holds. `fence` is a descriptor for children to inherit, or None."""

    def __init__(self, fence: int | None = None) -> None:
        self.fence = fence

    @property
    def keep_open(self) -> tuple[int, ...]:
        return () if self.fence is None else (self.fence,)


@contextmanager
def locked(kind: LockKind, path: str, *, timeout: float = DEFAULT_TIMEOUT_SECONDS) -> Iterator[HeldLock]:
    """Locks that file while the block runs. Raises Busy after `timeout` seconds, naming the holder and since when."""
    _check_order(kind)
    files.make_folder(os.path.dirname(path))
    deadline = time.monotonic() + timeout
    with _process_wide(path, deadline), _between_processes(path, deadline):
        with _fence(path, deadline) if kind is LockKind.REPOSITORY else _no_fence() as fence:
            _kinds().append(kind)
            try:
                yield HeldLock(fence)
            finally:
                _kinds().remove(kind)


def discard_stale_note(kind: LockKind, path: str) -> None:
    """Removes the note that a killed holder left beside its lock. While the lock is held, nothing happens."""
    if os.path.lexists(_note_path(path)):
        with suppress(Busy), locked(kind, path, timeout=0.0):
            pass


def discard_stale_notes(folder: str) -> None:
    """As `discard_stale_note`, for every lock in the folder and below it but a repository's, which has a fence."""
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(f".lock{_NOTE}"):
                discard_stale_note(LockKind.INDEX, os.path.join(place, name.removesuffix(_NOTE)))


def share_fence(descriptor: int) -> None:
    """Locks a fence together with whoever inherits the descriptor, until the last of them has closed it."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def try_fence(descriptor: int) -> bool:
    """Locks a fence exclusively; False while anybody else has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def locked_kinds() -> tuple[LockKind, ...]:
    """The kinds that this thread has locked, in the order taken."""
    return tuple(_kinds())


def _kinds() -> list[LockKind]:
    return _kinds_by_thread.setdefault(get_ident(), [])


def _check_order(kind: LockKind) -> None:
    last = _kinds()[-1:]
    if last and _ORDER.index(last[0]) >= _ORDER.index(kind):
        raise InternalError("internal-error", f"lock order violated: {kind} requested while {last[0]} is locked")


@contextmanager
def _process_wide(path: str, deadline: float) -> Iterator[None]:
    with _in_process_guard:
        lock = _in_process.setdefault(os.path.realpath(path), allocate_lock())
    if not lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise _busy(path)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _between_processes(path: str, deadline: float) -> Iterator[None]:
    files.claim(path)
    _check_plain(path)
    release = _take_free(path) or _await(path, deadline)
    try:
        _leave_note(path)
        yield
    finally:
        files.discard(_note_path(path))
        release()


def _take_free(path: str) -> Callable[[], None] | None:
    """Takes the lock if it is free and returns the function that releases it; None otherwise."""
    try:
        descriptor = files.private(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        files.raise_write_failed(path, error)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return None
        files.raise_write_failed(path, error)
    return lambda: os.close(descriptor)


def _await(path: str, deadline: float) -> Callable[[], None]:
    from fasteners.process_lock import InterProcessLock

    lock: InterProcessLock = InterProcessLock(path)
    try:
        taken = lock.acquire(
            delay=_FIRST_DELAY_SECONDS,
            max_delay=_LONGEST_DELAY_SECONDS,
            timeout=max(0.0, deadline - time.monotonic()),
        )
    except OSError as error:
        files.raise_write_failed(path, error)
    except RuntimeError as error:  # fasteners' own `threading.ThreadError`
        cause = error.__context__
        files.raise_write_failed(path, cause if isinstance(cause, OSError) else OSError(str(error)))
    if not taken:
        raise _busy(path)
    release: Callable[[], None] = lock.release
    return release


def _check_plain(path: str) -> None:
    """fasteners would follow a link, and block on a FIFO."""
    try:
        plain = stat.S_ISREG(os.lstat(path).st_mode)
    except OSError as error:
        files.raise_write_failed(path, error)
    if not plain:
        files.raise_write_failed(path, OSError(errno.ELOOP, "it is not a regular file"))


@contextmanager
def _fence(path: str, deadline: float) -> Iterator[int]:
    try:
        descriptor = files.private(f"{path}.fence", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError as error:
        files.raise_write_failed(f"{path}.fence", error)
    try:
        while not try_fence(descriptor):
            if time.monotonic() > deadline:
                raise _busy(path, "a git process whose okstra has died")
            time.sleep(_LONGEST_DELAY_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _no_fence() -> Iterator[None]:
    yield None


def _note_path(path: str) -> str:
    return f"{path}{_NOTE}"


def _leave_note(path: str) -> None:
    """Writes who holds the lock, for the message of whoever can't get it. Failing to write it is not an error."""
    note = dumps({"pid": os.getpid(), "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
    try:
        with open(_note_path(path), "w", encoding="utf-8", opener=files.private) as file:
            file.write(note)
    except OSError:
        return


def _busy(path: str, holder: str = "") -> Busy:
    message = f"the lock is held by {holder or _noted_holder(path)}"
    return Busy("busy", message, where=path, hint="wait for it to end, then try again")


def _noted_holder(path: str) -> str:
    try:
        with open(_note_path(path), encoding="utf-8") as file:
            note = loads(file.read())
        return f"process {note['pid']}, since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def fault_of_locks(folder: str) -> str:
    """What is wrong with locks in the folder; empty when both kinds work."""
    from . import processes

    path = os.path.join(folder, f".lock-check-{os.getpid()}")
    try:
        ended = processes.run([sys.executable, "-I", "-S", "-c", _TWO_PROCESSES, path], timeout=20)
    finally:
        for name in (path, f"{path}.fence"):
            files.discard(name)
    return "" if ended.ok else _FAULTS.get(ended.status, ended.complaint or "locks can't be tried there")
