"""Who contains okstra's own look into a worktree in which something contained has worked.

Set once when a command starts: `git/` asks, and knows nothing of sandboxes; a command that asks nothing pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Look(NamedTuple):
    """A program of okstra's that reads a worktree. `admin` is git's own folder of it, `mark` what was noted there when
    something contained began to work in it; `also` are further folders that the program reads."""

    worktree: str
    admin: str
    mark: str
    also: tuple[str, ...] = ()


class Contained(NamedTuple):
    argv: Sequence[str]
    environment: Mapping[str, str]


Contain = Callable[[Look, Contained], Contained]

_by: Contain | None = None


def use(contain: Contain | None) -> None:
    """Every later look goes through `contain`; without one, looks are not contained."""
    global _by  # noqa: PLW0603 (one process, one command)
    _by = contain


def in_use() -> bool:
    return _by is not None


def contained(look: Look, wanted: Contained) -> Contained:
    return _by(look, wanted) if _by is not None else wanted
