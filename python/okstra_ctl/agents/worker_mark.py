"""What tells a worker's processes from a person's: a mark in their environment, and the warden above them.

Both name okstra's home, for a worker that tests okstra itself may do in a home of its own what it likes.
Read by every command that changes something: quick to import.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

HOME_VARIABLE = "OKSTRA_WORKER_HOME"
RUN_VARIABLE = "OKSTRA_WORKER_RUN"
_TITLE = "okstra-supervisor-in="
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@,")


def environment_of(home: str, run_id: str) -> dict[str, str]:
    """What everything that is started for a run in that home carries; nothing without a home."""
    return {HOME_VARIABLE: os.path.realpath(home), RUN_VARIABLE: run_id} if home else {}


def title_of(home: str) -> str:
    """A word of the warden's own command line, which what runs below it can read and can't change."""
    name = os.fsencode(os.path.realpath(home))
    return _TITLE + "".join(chr(one) if one in _PLAIN else f"%{one:02X}" for one in name)


def homes_named(environment: Mapping[str, str], command_lines: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The homes of the runs that a process with this environment, below processes of these command lines, works for."""
    marked = environment.get(HOME_VARIABLE, "")
    found = [os.path.realpath(marked)] if marked else []
    found += [_home_in(word) for words in command_lines for word in words if word.startswith(_TITLE)]
    return tuple(dict.fromkeys(found))


def _home_in(title: str) -> str:
    return os.fsdecode(unquote_to_bytes(title[len(_TITLE) :]))
