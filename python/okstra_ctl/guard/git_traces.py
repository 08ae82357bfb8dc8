"""What git traced of a worker's commands, and what the run's hook logged of the refs they moved.

A worker can write to both files: they are read like anything hostile, up to a size, and never through a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any

from ..system.json_text import loads
from .authors import RefMove, Traced

_MOST_BYTES = 16 * 1024 * 1024
_LONGEST_LINE = 256 * 1024
_MOST_COMMANDS = 50_000


def trace_file(folder: str) -> str:
    return os.path.join(folder, "trace.log")


def refs_file(folder: str) -> str:
    return os.path.join(folder, "refs.log")


def environment(folder: str) -> dict[str, str]:
    """By which git, and the run's hook, tell what a worker does. The folder must be there."""
    return {
        "GIT_TRACE2_EVENT": trace_file(folder),
        "GIT_TRACE2_CONFIG_PARAMS": "core.hookspath",
        "GIT_TRACE2_ENV_VARS": "GIT_DIR",
        "OKSTRA_GUARD_LOG": refs_file(folder),
    }


def commands(worker: str, folder: str) -> Iterator[Traced]:
    """Every git process of the worker, in the order in which they began."""
    found: dict[str, dict[str, Any]] = {}
    for line in _lines(trace_file(folder)):
        try:
            event = loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and isinstance(event.get("sid"), str):
            _take(event, found)
        if len(found) > _MOST_COMMANDS:
            break
    for sid, facts in found.items():
        if "arguments" in facts:
            yield Traced(
                worker,
                sid,
                facts["arguments"],
                facts.get("worktree", ""),
                facts.get("git_dir", ""),
                facts.get("status"),
                facts.get("hooks", ""),
            )


def _take(event: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    facts = found.setdefault(event["sid"], {})
    kind, argv = event.get("event"), event.get("argv")
    if kind == "start" and isinstance(argv, list) and argv and all(isinstance(word, str) for word in argv):
        facts["arguments"] = _arguments(argv)
        for word in argv:
            if word.startswith("--git-dir="):
                facts["git_dir"] = word.partition("=")[2]
    elif kind == "def_repo" and isinstance(event.get("worktree"), str):
        facts["worktree"] = os.path.realpath(event["worktree"]) if "\0" not in event["worktree"] else ""
    elif kind == "def_param" and isinstance(event.get("value"), str):
        if str(event.get("param")).lower() == "core.hookspath":
            facts["hooks"] = event["value"]
        elif event.get("param") == "GIT_DIR":
            facts["git_dir"] = event["value"]
    elif kind in ("exit", "atexit") and isinstance(event.get("code"), int):
        facts["status"] = event["code"]


def _arguments(argv: list[str]) -> tuple[str, ...]:
    """`git push` and `git-push` are one command."""
    name = argv[0].rpartition("/")[2]
    return (name[4:], *argv[1:]) if name.startswith("git-") else tuple(argv[1:])


def ref_moves(worker: str, folder: str) -> Iterator[RefMove]:
    for line in _lines(refs_file(folder)):
        parts = line.decode("utf-8", "surrogateescape").split(" ", 4)
        if len(parts) == 5 and parts[0] in ("moved", "refused"):
            state, sid, old, new, ref = parts
            yield RefMove(worker, sid, state == "refused", old, new, ref)


def _lines(path: str) -> Iterator[bytes]:
    for line in _read(path).split(b"\n"):
        if line and len(line) <= _LONGEST_LINE:
            yield line


def _read(path: str) -> bytes:
    """The beginning of a plain file; nothing of what is none, or can't be read."""
    try:
        with open(path, "rb", opener=_without_links) as file:
            return file.read(_MOST_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except (OSError, ValueError):
        return b""


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
