"""Putting a question on disk; an answer that stands there counts only while it answers this very question."""

from __future__ import annotations

from ..system import files as fsio
from ..system.foreign_files import set_aside


def ask(path: str, data: bytes, result: str) -> None:
    """Writes what a worker is asked. A result of another question is set aside first, so that a run which was
    resumed with more, or other, material never counts a verdict on something else. Raises WorkFailed, Unreadable.
    """
    if fsio.read_bytes(path) == data:
        return
    set_aside(result)
    fsio.replace(path, data)
