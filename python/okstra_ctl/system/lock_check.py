"""Whether a file system keeps the locks that okstra rests on (spec 2, "Locks")."""

from __future__ import annotations

import os
import sys

from . import files as fsio
from . import processes as proc

# A record lock belongs to a process, so it takes two of them. Exit 1: the record lock, 2: the flock was not kept.
_TWO_PROCESSES = """
import fcntl, os, sys
path = sys.argv[1]
held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
fence = os.open(path + ".fence", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(fence, fcntl.LOCK_EX | fcntl.LOCK_NB)
other = os.fork()
if not other:
    for status, name, lock in ((1, path, fcntl.lockf), (2, path + ".fence", fcntl.flock)):
        try:
            lock(os.open(name, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        os._exit(status)
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))
"""
_FAULTS = {1: "record locks (POSIX) don't exclude other processes there", 2: "flock is not honoured there"}


def fault_of_locks(folder: str) -> str:
    """What is wrong with locks in the folder; empty when both kinds hold."""
    path = os.path.join(folder, f".lock-check-{os.getpid()}")
    try:
        ended = proc.run([sys.executable, "-I", "-S", "-c", _TWO_PROCESSES, path], timeout=20)
    finally:
        for name in (path, f"{path}.fence"):
            fsio.discard(name)
    return "" if ended.ok else _FAULTS.get(ended.status, ended.complaint or "locks can't be tried there")
