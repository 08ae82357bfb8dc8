"""Folders of objects that a repository borrows from, as git lists them."""

from __future__ import annotations

import os
import re

from ..system import files

_NEEDS_QUOTES = re.compile(r'["\\\x00-\x1f:]')


def borrowed(objects: str) -> list[str]:
    """The object folders of other repositories that this one reads, and those that they read in turn."""
    found: list[str] = []
    open_ones = [objects]
    while open_ones:
        here = open_ones.pop()
        data = files.read_bytes(os.path.join(here, "info", "alternates")) or b""
        for line in os.fsdecode(data).splitlines():
            path = os.path.realpath(os.path.join(here, line)) if line and not line.startswith(("#", '"')) else ""
            if path and path not in found and os.path.isdir(path):
                found.append(path)
                open_ones.append(path)
    return found


def listed(path: str) -> str:
    """The folder as a line of `alternates`, or in GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted where git needs it."""
    if not _NEEDS_QUOTES.search(path):
        return path
    return '"' + "".join(_quoted(char) for char in path) + '"'


def _quoted(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return f"\\{ord(char):03o}" if ord(char) < 32 else char
