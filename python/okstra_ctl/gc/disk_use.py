"""What folders take up on the disk, measured by `du` while this process does something else."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ..system import processes as proc


class Measuring:
    """A measurement under way of folders that exist; `finish` waits for it."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._running = proc.start(["du", "-sk", *paths]) if paths else None

    def finish(self) -> dict[str, int]:
        """Bytes by path, a hard link counted once; a folder that is gone is left out."""
        told = b"\n" + (self._running.finish().stdout if self._running else b"")
        sizes = {}
        for path in self._paths:
            line = re.search(rb"\n(\d+)\t" + re.escape(os.fsencode(path)) + rb"\n", told)
            if line:
                sizes[path] = int(line[1]) * 1024
        return sizes
