"""The files that agent clients keep of their sessions: finding them, and reading them line by line.

They may be large, truncated or missing; none of that is an error here.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_SESSION_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
_LONGEST_LINE = 64 * 1024 * 1024


class ClaudeFiles(NamedTuple):
    """A session's own file, and those of its sub-agents."""

    session: str
    agents: tuple[str, ...]


def claude_home(environment: Mapping[str, str]) -> str:
    """`CLAUDE_CONFIG_DIR`, or `~/.claude`; empty when neither can be known."""
    return environment.get("CLAUDE_CONFIG_DIR") or _below_home(environment, ".claude")


def codex_home(environment: Mapping[str, str]) -> str:
    """`CODEX_HOME`, or `~/.codex`; empty when neither can be known."""
    return environment.get("CODEX_HOME") or _below_home(environment, ".codex")


def claude_session(home: str, session: str) -> ClaudeFiles | None:
    """The session's files, in whichever folder of `projects/` they are: a session may be resumed from another one."""
    if not home or not _SESSION_ID.fullmatch(session):
        return None
    projects = os.path.join(home, "projects")
    for folder in _names(projects):
        path = os.path.join(projects, folder, f"{session}.jsonl")
        if os.path.isfile(path):
            below = os.path.join(projects, folder, session, "subagents")
            return ClaudeFiles(path, tuple(sorted(_below(below, "agent-", ".jsonl"))))
    return None


def codex_rollouts(home: str, thread: str) -> tuple[str, ...]:
    """The thread's own file first, then all files started that day or the next; its sub-agents' are among them."""
    if not home or not _SESSION_ID.fullmatch(thread):
        return ()
    days = _days(os.path.join(home, "sessions"))
    for number, day in enumerate(days):
        own = _below(day, "rollout-", f"-{thread}.jsonl")
        if own:
            later = [path for place in days[number : number + 2] for path in _below(place, "rollout-", ".jsonl")]
            return (own[0], *sorted(path for path in later if path != own[0]))
    return ()


def newest_rollouts(home: str, most: int) -> list[str]:
    """The newest session files of any thread, the newest first."""
    found: list[str] = []
    for day in reversed(_days(os.path.join(home, "sessions")) if home else []):
        found += sorted(_below(day, "rollout-", ".jsonl"), reverse=True)
        if len(found) >= most:
            break
    return found[:most]


def lines_of(path: str) -> Iterator[bytes]:
    """The file's lines with their ends; none, or no more, where it is not a regular file or can't be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        try:
            while line := file.readline(_LONGEST_LINE):
                yield line
        except OSError:
            return


def _days(sessions: str) -> list[str]:
    """`<year>/<month>/<day>` folders, oldest first."""
    return [
        os.path.join(sessions, year, month, day)
        for year in _names(sessions)
        for month in _names(os.path.join(sessions, year))
        for day in _names(os.path.join(sessions, year, month))
    ]


def _below(folder: str, start: str, end: str) -> list[str]:
    return [
        os.path.join(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if name.startswith(start) and name.endswith(end)
    ]


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []


def _below_home(environment: Mapping[str, str], name: str) -> str:
    home = environment.get("HOME", "")
    return os.path.join(home, name) if home else ""
