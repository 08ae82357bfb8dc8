"""What a report says of something that was changed during its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def isolation_commands(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The commands that a reader is given, each by its label's name. Those that earlier versions wrote as `undo`
    could throw away what a person had made meanwhile: they are not passed on."""
    if "look" not in one:
        return
    for name in ("look", "undo"):
        if one[name].strip():
            yield name, one[name].strip()
