"""Moving ended runs out of the active index, under its lock (spec 4, "In the home").

Every row is on the disk where it goes before it leaves where it was. A kill in between leaves it in both places,
which readers fold, and the next rotation moves it again.
"""

from __future__ import annotations

import os

from ..core.home_paths import HomePaths
from ..core.index_rows import RECENT_SECONDS, rotate
from ..edges import fsio
from ..edges.clock import Clock
from ..edges.locks import LockKind, hold


def rotate_now(home: HomePaths) -> bool:
    """Moves every ended run; False when there was none. Raises Unreadable, WorkFailed, Busy."""
    with hold(LockKind.INDEX, home.index_lock):
        return _rotate(home)


def rotate_grown(home: HomePaths) -> None:
    """Rotates unless the file is mostly what the last rotation left in it: open runs would be read at every append.

    The caller holds the index lock. Raises Unreadable, WorkFailed, OSError.
    """
    if os.stat(home.active_index).st_size > 2 * _left_by_the_last(home):
        _rotate(home)
        fsio.replace(home.index_mark, str(os.stat(home.active_index).st_size).encode() + b"\n", durable=False)


def _rotate(home: HomePaths) -> bool:
    active, recent = fsio.read_bytes(home.active_index) or b"", fsio.read_bytes(home.recent_index) or b""
    rotation = rotate(active, recent, oldest=Clock().before(RECENT_SECONDS))
    if rotation is None:
        return False
    if rotation.archive:
        fsio.make_folder(home.index_archive)
        for month, lines in sorted(rotation.archive.items()):
            fsio.append_line(os.path.join(home.index_archive, f"{month}.jsonl"), lines)
        _sync(home.index_archive)
        _sync(home.root)
    fsio.replace(home.recent_index, rotation.recent)
    fsio.replace(home.active_index, rotation.active)
    return True


def _sync(folder: str) -> None:
    try:
        fsio.sync_folder(folder)
    except OSError as error:
        fsio.raise_write_failed(folder, error)


def _left_by_the_last(home: HomePaths) -> int:
    """0 when nobody knows: then it is rotated, which puts that right."""
    text = (fsio.read_bytes(home.index_mark) or b"").strip()
    return int(text) if len(text) < 16 and text.isdigit() else 0
