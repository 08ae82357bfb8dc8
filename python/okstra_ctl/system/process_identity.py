"""Owners: naming a process so that it can be recognised, whether it is still alive (docs/how-to/recover.md), and the
processes above this one: who called okstra."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..names import Owner
from ..status import Liveness

CLIENT_NAMES = frozenset({"claude", "codex", "gemini", "opencode"})
_BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"
_DEEPEST = 512


def this_process() -> Owner:
    return owner_of(os.getpid())


def owner_of(pid: int) -> Owner:
    """The process of that pid as an owner; its start time is empty when it is gone already."""
    return Owner(os.uname().nodename, _boot_id(), pid, _start_time(pid))


def liveness(owner: Owner | None) -> Liveness:
    """Alive means: same host, same boot, and the pid exists with the same start time."""
    if owner is None:
        return Liveness.NOBODY
    if owner.host != os.uname().nodename:
        return Liveness.UNKNOWN
    if owner.boot_id != _boot_id():
        return Liveness.GONE
    start = _start_time(owner.pid)
    return Liveness.ALIVE if start and start == owner.start_time else Liveness.GONE


def nearest_client() -> Owner | None:
    """The nearest process above this one that is an agent client; None outside an agent's session."""
    pid = os.getppid()
    for _ in range(64):
        if pid <= 1:
            return None
        name, parent = _name_and_parent(pid)
        if name in CLIENT_NAMES:
            return owner_of(pid)
        pid = parent
    return None


def _boot_id() -> str:
    try:
        with open(_BOOT_ID_FILE, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return _ask("sysctl", "-n", "kern.boottime")


def _start_time(pid: int) -> str:
    """The kernel's start time of a live process; empty when there is none (a zombie has ended)."""
    fields = _stat_fields(pid)
    if fields is not None:
        return "" if not fields or fields[0] == "Z" else fields[19]
    return _ask("ps", "-o", "lstart=", "-p", str(pid))


def _name_and_parent(pid: int) -> tuple[str, int]:
    fields = _stat_fields(pid)
    if fields is not None:
        return (_program(pid), int(fields[1])) if fields else ("", 0)
    answer = _ask("ps", "-o", "ppid=,comm=", "-p", str(pid)).split(None, 1)
    return (os.path.basename(answer[1]), int(answer[0])) if len(answer) == 2 else ("", 0)


def _program(pid: int) -> str:
    """The name of the program, or of the script that an interpreter runs."""
    names = [os.path.basename(word).split(".")[0] for word in (_words(pid) or ())[:2]]
    if not names:
        return ""
    return names[1] if len(names) > 1 and names[0] in ("node", "bun") else names[0]


def _words(pid: int) -> tuple[str, ...] | None:
    """The command line from /proc; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return tuple(os.fsdecode(word) for word in file.read().split(b"\0"))
    except OSError:
        return None


def _stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name; [] when the process is gone, None where there is no /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return [] if os.path.exists("/proc/self/stat") else None
    return text[text.rindex(")") + 2 :].split()


def _ask(*argv: str) -> str:
    """For systems without /proc. Imported late: light commands start no process."""
    from . import processes

    return " ".join(processes.run(argv).stdout.decode("utf-8", "replace").split())


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
    fields, words = _stat_fields(pid), _words(pid)
    return (int(fields[1]), words) if fields and words is not None else None


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
