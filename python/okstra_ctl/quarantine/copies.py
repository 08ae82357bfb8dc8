"""Copying between a real git folder and a quarantine, file by file.

Never by hard links: they would share the file itself. What comes out of a quarantine is what a worker wrote: no link in
it is followed, no pipe waited for, and there is an end to it.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator

from ..errors import Unreadable
from ..system import files, foreign_files

_MOST_FILES = 200_000


def copy_file(source: str, target: str) -> None:
    """With its mode and time: git compares an index's time with those of the files. Raises WorkFailed."""
    try:
        shutil.copy2(source, target, follow_symlinks=False)
    except FileNotFoundError:
        return  # removed meanwhile: a lock, a temporary file
    except OSError as error:
        files.raise_write_failed(target, error)


def copy_folder(source: str, target: str) -> None:
    """All regular files, links and folders, except locks. Raises WorkFailed."""
    files.make_folder(target)
    for entry in entries(source):
        path = os.path.join(target, entry.name)
        if entry.is_symlink():
            files.link_anew(os.readlink(entry.path), path)
        elif entry.is_dir(follow_symlinks=False):
            copy_folder(entry.path, path)
        elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".lock"):
            copy_file(entry.path, path)


def entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except OSError:
        return


def take_plain_files(source: str, target: str, *, largest: int) -> None:
    """Copies what a worker wrote, as `take_plain_file`. Raises Unreadable when there is no end to it, WorkFailed."""
    files.make_folder(target)
    for number, path in enumerate(_plain_files(source)):
        if number >= _MOST_FILES:
            raise Unreadable("state-unreadable", f"a worker left more than {_MOST_FILES} files there", where=source)
        copy = os.path.join(target, os.path.relpath(path, source))
        files.make_folder(os.path.dirname(copy))
        take_plain_file(path, copy, largest=largest)


def take_plain_file(source: str, target: str, *, largest: int) -> None:
    """Copies a regular file of at most that size; anything else counts as missing. Raises WorkFailed."""
    try:
        data = foreign_files.read(source, largest)
    except Unreadable:
        return
    if data is not None:
        files.replace(target, data, durable=False)


def _plain_files(folder: str) -> Iterator[str]:
    if os.path.islink(folder) or not os.path.isdir(folder):
        return
    for place, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(place, name)


def without_links(folder: str) -> bool:
    """Removes everything below that is no regular file or folder; returns whether the folder itself is one."""
    if os.path.islink(folder) or not os.path.isdir(folder):
        return False
    for place, below, names in os.walk(folder):
        for name in [*names, *below]:
            path = os.path.join(place, name)
            if not (stat.S_ISREG(mode := os.lstat(path).st_mode) or stat.S_ISDIR(mode)):
                os.unlink(path)
    return True
