"""Hiding keys and passwords in files, mainly logs, of any size."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import IO

from ..errors import Unreadable
from . import files, foreign_files
from .json_text import text_bytes
from .secrets import hide

_BLOCK = 4 * 1024 * 1024
_LONGEST_LINE = 32 * 1024 * 1024
_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS = re.compile(rb"-----END [A-Z ]*PRIVATE KEY-----")

Block = tuple[int, int]
"""Its place in the file, and its length."""


def hide_in_log(path: str) -> dict[str, int]:
    """Hides secrets in a log, in place; returns how many of each kind there were.

    If the path is not a regular file, it is no longer okstra's log and is set aside. Raises WorkFailed.
    """
    try:
        return hide_in_file(path)
    except Unreadable:
        foreign_files.set_aside(path)
        return {}


def hide_in_file(path: str) -> dict[str, int]:
    """As `hide_in_log`, for any file; one without secrets is not written. Raises WorkFailed, Unreadable."""
    found: Counter[str] = Counter()
    file = foreign_files.open_plain(path)
    if file is None:
        return {}
    with file:
        changed = dict(_changed_blocks(file, found))
        if changed:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            files.replace_in_parts(path, _parts(file, changed), mode=mode)
    return dict(found)


def _changed_blocks(file: IO[bytes], found: Counter[str]) -> Iterator[tuple[Block, bytes]]:
    """The blocks that contain secrets, with their replacements. A private key may span several blocks."""
    inside = False
    for block, data in _blocks(file):
        rest = data
        if inside:
            end = _KEY_ENDS.search(data)
            if end is None:
                yield block, b""
                continue
            rest, inside = data[end.end() :], False
        hidden, kinds = hide(rest.decode("utf-8", "surrogateescape"))
        found.update(kinds)
        inside = _is_open(rest)
        if kinds or rest is not data:
            yield block, text_bytes(hidden) + (b"\n" if inside else b"")


def _is_open(data: bytes) -> bool:
    """Whether the last private key that begins there ends in a later block."""
    begins = [begin.end() for begin in _KEY_BEGINS.finditer(data)]
    return bool(begins) and _KEY_ENDS.search(data, begins[-1]) is None


def _blocks(file: IO[bytes]) -> Iterator[tuple[Block, bytes]]:
    """The file in blocks of whole lines."""
    file.seek(0)
    place, data = 0, b""
    while True:
        more = file.read(_BLOCK)
        data += more
        end = data.rfind(b"\n") + 1
        if not more or (not end and len(data) >= _LONGEST_LINE):
            end = len(data)
        if end:
            yield (place, end), data[:end]
            place, data = place + end, data[end:]
        if not more:
            return


def _parts(file: IO[bytes], changed: Mapping[Block, bytes]) -> Iterator[bytes]:
    position = 0
    for (place, length), data in sorted(changed.items()):
        yield from _between(file, position, place)
        yield data
        position = place + length
    yield from _between(file, position, os.fstat(file.fileno()).st_size)


def _between(file: IO[bytes], begin: int, end: int) -> Iterator[bytes]:
    while begin < end and (data := os.pread(file.fileno(), min(_BLOCK, end - begin), begin)):
        yield data
        begin += len(data)
