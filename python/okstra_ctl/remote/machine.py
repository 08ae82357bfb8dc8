"""By what other machines know this one: a random id, made once and kept in okstra's home. A host's name is no such
thing: containers and images share names.

A home can be copied, or be part of an image, and two that have one id would take each other's stages. So the file also
has where the home stands; at another place it gets a new id, and what was claimed under the earlier one counts as
another machine's: a person says that it is gone. A home that is moved to another disk, or restored from a backup, can't
be told from a copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from typing import NamedTuple

from ..errors import Unreadable
from ..home_paths import HomePaths
from ..names import Owner
from ..system import files
from ..system.locks import LockKind, locked
from ..system.process_identity import this_process
from .shared_task import Holder

_LINES = re.compile(rb"(?:[0-9a-f]{32}\n){1,102}\Z")
_MOST_EARLIER = 100


class Machine(NamedTuple):
    """The file: one line each, 32 hex digits. `place`: a digest of where the home stands; empty in an earlier okstra's
    file. `earlier`: the ids that it had at other places, the newest first."""

    id: str
    place: str = ""
    earlier: tuple[str, ...] = ()


def machine_id(home: HomePaths) -> str:
    """Raises Unreadable (`state-unreadable`), WorkFailed, Busy."""
    found = known_machine(home)
    if found is None or not _stands_here(found, home):
        with locked(LockKind.INDEX, home.machine_id_lock):
            before = known_machine(home)
            found = _settled(before, home)
            if found != before:
                lines = filter(None, (found.id, found.place, *found.earlier))
                files.replace(home.machine_id, "".join(f"{line}\n" for line in lines).encode())
    return found.id


def this_holder(home: HomePaths, *, job: str = "", process: Owner | None = None) -> Holder:
    """This machine and process as others see them."""
    return Holder(machine_id(home), process or this_process(), job)


def known_machine(home: HomePaths) -> Machine | None:
    """None while this home has no id. Raises Unreadable (`state-unreadable`)."""
    data = files.read_bytes(home.machine_id)
    if data is None:
        return None
    if _LINES.match(data) is None:
        hint = "restore it, or move it away: okstra then counts as another machine"
        raise Unreadable("state-unreadable", "it is no machine id", where=home.machine_id, hint=hint)
    name, place, *earlier = [*data.decode().split(), ""][: 2 + _MOST_EARLIER]
    return Machine(name, place, tuple(filter(None, earlier)))


def _stands_here(found: Machine, home: HomePaths) -> bool:
    return found.place == _place_of(home)


def _settled(before: Machine | None, home: HomePaths) -> Machine:
    place = _place_of(home)
    if before is None:
        return Machine(secrets.token_hex(16), place)
    if before.place in ("", place):
        return before._replace(place=place)
    return Machine(secrets.token_hex(16), place, (before.id, *before.earlier)[:_MOST_EARLIER])


def _place_of(home: HomePaths) -> str:
    """The folder's number in its file system, and the system that it belongs to. Not the disk's number: that changes
    with a reboot. But the layers of a container's image give all its containers one number each, so there it counts."""
    found = os.stat(home.root)
    facts = [str(found.st_ino), _line_of("/etc/machine-id"), _overlay(found.st_dev)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def _overlay(device: int) -> str:
    number = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        if any(line.split()[2] == number and " - overlay " in line for line in mounts):
            return number
    return ""


def _line_of(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.readline().strip()
    return ""
