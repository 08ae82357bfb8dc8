"""The files that an agent reads and writes through the protocol, on its ground (`access.Ground`) alone."""

from __future__ import annotations

import os
import stat
from itertools import islice

from ...errors import OkstraError
from ...system import files, foreign_files
from .access import Ground, no_reading, no_writing

_LARGEST = 16 * 1024 * 1024


class NotAllowed(Exception):
    """Names what is refused, and why."""


def real(ground: Ground, path: str) -> str:
    """Where a path leads, over links too; a relative one is meant in the worktree."""
    try:
        return os.path.realpath(os.path.join(ground.folder, path))
    except ValueError:  # a NUL
        raise NotAllowed(f"{path!r} is no path") from None


def read(ground: Ground, path: str, line: int | None, limit: int | None) -> str:
    """The text of a file, from the line on (1 is the first), so many lines. Raises NotAllowed, FileNotFoundError,
    OkstraError."""
    target = real(ground, path)
    if why := no_reading(ground, target):
        raise NotAllowed(why)
    data = foreign_files.read(target, _LARGEST)  # follows no link that was put there since
    if data is None:
        raise FileNotFoundError(path)
    text = data.decode("utf-8", "replace")
    if line is None and limit is None:
        return text
    first = max(0, (line or 1) - 1)
    return "".join(islice(text.splitlines(keepends=True), first, None if limit is None else first + max(0, limit)))


def write(ground: Ground, path: str, content: str) -> None:
    """Writes a file as an editor would, keeping its mode. Raises NotAllowed, OkstraError."""
    target = real(ground, path)
    if why := no_writing(ground, target):
        raise NotAllowed(why)
    files.make_folder(os.path.dirname(target))
    if real(ground, path) != target:
        raise NotAllowed(f"{path} changed while it was being written")
    try:
        descriptor = os.open(
            target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666
        )
        with open(descriptor, "wb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise NotAllowed(f"{path} is not a regular file")
            file.write(content.encode("utf-8", "replace"))
    except OSError as error:
        files.raise_write_failed(target, error)


FAULTS = (OkstraError, FileNotFoundError)
