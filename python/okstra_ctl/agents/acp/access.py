"""What an agent may do under an access, as the protocol names it: pure rules (docs/design/leading.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ...sandbox.profile import is_within
from ...status import Access

_LOOKS = ("read", "search", "think")
_CHANGES = ("edit", "delete", "move")
_PUSH = re.compile(r"\bgit(?:\s+(?:-[cC]\s+\S+|-\S+))*\s+push\b")
_ONCE, _NEVER = "allow_once", ("reject_once", "reject_always")


class Ground(NamedTuple):
    """Where an agent works. Absolute paths without links."""

    access: Access
    folder: str
    readable: tuple[str, ...] = ()
    """What it may read outside `folder`."""
    results: tuple[str, ...] = ()
    """Files outside `folder` that it may write under any access: its result, its audit."""


class Asked(NamedTuple):
    """What an agent asks for: a tool call by its kind, with the paths (absolute, without links) and command in it."""

    kind: str
    paths: tuple[str, ...] = ()
    command: str = ""


def refusal(ground: Ground, asked: Asked) -> str:
    """Why that is refused; empty when it is allowed."""
    if asked.kind in _LOOKS:
        return next(filter(None, (no_reading(ground, path) for path in asked.paths)), "")
    if asked.kind in _CHANGES:
        if not asked.paths:
            return "" if ground.access is Access.EDIT else f"a worker that may {ground.access} changes no files"
        return next(filter(None, (no_writing(ground, path) for path in asked.paths)), "")
    if asked.kind == "execute":
        return no_command(ground, asked.command)
    if ground.access is not Access.EDIT or asked.kind in ("fetch", "switch_mode"):
        return f"a worker that may {ground.access} uses no tool of the kind {asked.kind or 'unknown'}"
    return next(filter(None, (no_writing(ground, path) for path in asked.paths)), "")


def no_reading(ground: Ground, path: str) -> str:
    if is_within(path, (ground.folder, *ground.readable)) or path in ground.results:
        return ""
    return f"{path} is outside the worktree"


def no_writing(ground: Ground, path: str) -> str:
    if path in ground.results:
        return ""
    if ground.access is not Access.EDIT:
        return f"a worker that may {ground.access} writes no files of the project"
    if not is_within(path, (ground.folder,)):
        return f"{path} is outside the worktree"
    return f"{path} is git's own" if is_within(path, (f"{ground.folder.rstrip('/')}/.git",)) else ""


def no_command(ground: Ground, command: str) -> str:
    if ground.access is Access.READ:
        return "a worker that may read runs no commands"
    return "nothing is pushed in any phase" if _PUSH.search(command) else ""


def option_for(kinds: Sequence[str], *, allowed: bool) -> int | None:
    """Which of the offered options answers; None: none does, and the request is cancelled. What is allowed is allowed
    once: an agent that may always would not ask again when it does something else."""
    wanted = (_ONCE, *_NEVER) if allowed else _NEVER
    return next((place for kind in wanted for place, offered in enumerate(kinds) if offered == kind), None)
