"""Finding and ending every process of a dispatch, wherever it went: other groups and sessions, adopted by init.

A process belongs to the dispatch when it carries the token in its environment, or descends from the supervisor, which
adopts what its client leaves behind (where the kernel supports it). Imported by the supervisor: standard library only.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from ..system import processes

TOKEN_VARIABLE = "OKSTRA_WORKER"
_PAUSE = 0.005


def sweep(
    token: str, *, ancestor: int | None = None, limit: float = 5.0, reap: Callable[[], object] | None = None
) -> int:
    """Kills until none is left, or the time is over. Returns how many are left. `reap` is called between scans.

    One scan can miss a process that is just being forked or exec'd, so the last two must find nothing.
    """
    give_up = time.monotonic() + limit
    clean_scans = 0
    while clean_scans < 2:
        found = find(token, ancestor=ancestor)
        clean_scans = 0 if found else clean_scans + 1
        if found and time.monotonic() > give_up:
            return len(found)
        for pid in found:
            _kill(pid, token, ancestor)
        time.sleep(_PAUSE)
        if reap:
            reap()
    return 0


def find(token: str, *, ancestor: int | None = None) -> list[int]:
    """The live processes of the dispatch, except this one and the ancestor itself."""
    kept = {os.getpid(), ancestor}
    if not os.path.exists("/proc/self/environ"):
        return [pid for pid in _pids_by_ps(token) if pid not in kept]
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    family = _descendants(pids, ancestor) if ancestor is not None else set()
    return [pid for pid in pids if pid not in kept and (pid in family or _carries(pid, token))]


def pids_in_listing(listing: str, token: str) -> list[int]:
    """The live processes with the token in the output of `ps -Eww -o pid=,stat=,command=`; zombies are left out."""
    found = []
    for line in listing.splitlines():
        words = line.split(None, 2)
        if len(words) < 3 or not words[0].isdigit() or words[1].startswith("Z"):
            continue
        if f"{TOKEN_VARIABLE}={token}" in words[2].split():
            found.append(int(words[0]))
    return found


def _pids_by_ps(token: str) -> list[int]:
    listing = processes.run(["ps", "-Eww", "-U", str(os.getuid()), "-o", "pid=,stat=,command="])
    return pids_in_listing(listing.stdout.decode("utf-8", "replace"), token)


def _carries(pid: int, token: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{TOKEN_VARIABLE}={token}".encode() in file.read().split(b"\0")
    except OSError:  # gone, or another user's
        return False


def _descendants(pids: list[int], ancestor: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid in pids:
        parent = _parent(pid)
        if parent is not None:
            children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    heads = [ancestor]
    while heads:
        for child in children.get(heads.pop(), ()):
            if child not in found:
                found.add(child)
                heads.append(child)
    return found


def children_of(pid: int) -> tuple[int, ...]:
    """The live children of a process."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return tuple(one for one in pids if _parent(one) == pid)


def _parent(pid: int) -> int | None:
    """None when the process is gone, or has ended and only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if not fields or fields[0] == b"Z" else int(fields[1])


def _kill(pid: int, token: str, ancestor: int | None) -> None:
    """Kills the process if it is still the one that was found: the pid may have been reused."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # a system without pidfd
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        return
    try:
        if _carries(pid, token) or (ancestor is not None and _descends(pid, ancestor)):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return
    finally:
        os.close(handle)


def _descends(pid: int, ancestor: int) -> bool:
    parent = _parent(pid)
    while parent is not None and parent > 1:
        if parent == ancestor:
            return True
        parent = _parent(parent)
    return False
