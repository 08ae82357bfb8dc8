"""Reading and moving files that a worker wrote, or may have put in place of okstra's own.

Such a file may be a FIFO, a socket, a device, a folder, a link to elsewhere or to itself, larger than memory, or
unreadable. None of them may block, mislead or crash okstra.
"""

from __future__ import annotations

import os
import stat
from typing import IO, NoReturn

from ..errors import Unreadable
from . import files

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read(path: str, most: int) -> bytes | None:
    """The bytes of a regular file, `most` at most; None when there is no file.

    Raises Unreadable (`state-unreadable`), which names what is there instead. Follows no link, never blocks, and reads
    no more than the limit of a file that is still growing.
    """
    file = open_plain(path)
    if file is None:
        return None
    with file:
        try:
            data = file.read(most + 1)
        except OSError as error:
            _refuse(path, f"it can't be read: {error.strerror}")
    if len(data) > most:
        _refuse(path, f"it is larger than {most} bytes")
    return data


def open_plain(path: str) -> IO[bytes] | None:
    """A plain file, opened for reading; else as `read`."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            _refuse(path, f"it is {kind_of(found.st_mode)}, not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        _refuse(path, f"it can't be read: {error.strerror}")
    except ValueError as error:  # a NUL in the path, or letters that no path can have
        _refuse(path, f"there can be no file of that name: {error}")
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # replaced since the check
        file.close()
        _refuse(path, "it is not a regular file")
    return file


def set_aside(path: str) -> str | None:
    """Renames whatever is there to `<path>.attempt-<n>`; None when nothing does. Raises WorkFailed."""
    if not os.path.lexists(path):
        return None
    aside = free_name(path)
    try:
        os.rename(path, aside)
    except OSError as error:
        files.raise_write_failed(aside, error)
    return aside


def free_name(path: str) -> str:
    """`<path>.attempt-<n>` with the first number that is free."""
    number = 1
    while os.path.lexists(aside := f"{path}.attempt-{number}"):
        number += 1
    return aside


def clear_way(path: str) -> str | None:
    """Sets aside what is there if it is not a regular file: it would be in the way of writing one. Raises
    WorkFailed."""
    try:
        plain = stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return None
    return None if plain else set_aside(path)


def link_target(path: str) -> str:
    """Where a symbolic link leads; empty for what is none."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def kind_of(mode: int) -> str:
    return next((name for is_one, name in _KINDS if is_one(mode)), "something else")


def _refuse(path: str, fault: str) -> NoReturn:
    raise Unreadable("state-unreadable", fault, where=path)
