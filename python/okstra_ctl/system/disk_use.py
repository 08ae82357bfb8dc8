"""How much of the disk folders use, and sizes for people."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from . import processes

_UNITS = {"T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10}


class DiskUse:
    """A running measurement of existing folders; `finish` waits for it."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._running = processes.start(["du", "-sk", *paths]) if paths else None

    def finish(self) -> dict[str, int]:
        """Bytes by path, a hard link counted once; a folder that is gone is left out."""
        output = b"\n" + (self._running.finish().stdout if self._running else b"")
        sizes = {}
        for path in self._paths:
            line = re.search(rb"\n(\d+)\t" + re.escape(os.fsencode(path)) + rb"\n", output)
            if line:
                sizes[path] = int(line[1]) * 1024
        return sizes


def show_size(size: int) -> str:
    """Bytes for people."""
    for unit, bytes_of_it in _UNITS.items():
        if size >= bytes_of_it:
            return f"{size / bytes_of_it:.1f}{unit}"
    return f"{size}B"
