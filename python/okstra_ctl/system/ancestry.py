"""The processes above this one: who called okstra."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..names import Owner
from .owner import owner_of

_DEEPEST = 512


class Ancestor(NamedTuple):
    """A process above this one. `words` is its command line, as far as the system shows it."""

    pid: int
    words: tuple[str, ...]


def ancestors() -> Iterator[Ancestor]:
    """Yields the parent, then its parent, up to the first process of the system."""
    look_up = _from_proc if os.path.exists("/proc/self/stat") else processes_in_listing(_listing()).get
    pid = os.getppid()
    for _ in range(_DEEPEST):
        found = look_up(pid) if pid > 0 else None
        if found is None:
            return
        parent, words = found
        yield Ancestor(pid, words)
        pid = parent


def is_this_process_or_above(owner: Owner) -> bool:
    """Whether the owner is this process, or one above it."""
    if owner == owner_of(os.getpid()):
        return True
    return any(above.pid == owner.pid and owner_of(above.pid) == owner for above in ancestors())


def _from_proc(pid: int) -> tuple[int, tuple[str, ...]] | None:
    """Returns its parent and its command line; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return None
    return int(fields[1]), tuple(os.fsdecode(word) for word in words)


def processes_in_listing(listing: str) -> dict[int, tuple[int, tuple[str, ...]]]:
    """By process id: the parent and the words, from the output of `ps -axww -o pid=,ppid=,command=`."""
    found = {}
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0].isdigit() and words[1].isdigit():
            found[int(words[0])] = int(words[1]), tuple(words[2:])
    return found


def _listing() -> str:
    """For systems without /proc. Imported late: light commands start no process."""
    from . import processes

    return processes.run(["ps", "-axww", "-o", "pid=,ppid=,command="]).stdout.decode("utf-8", "replace")
