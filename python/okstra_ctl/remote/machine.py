"""By what other machines know this one: a random id, made once and kept in okstra's home. A host's name is no such
thing: containers and images share names."""

from __future__ import annotations

import re
import secrets

from ..errors import Unreadable
from ..home_paths import HomePaths
from ..names import Owner
from ..system import files
from ..system.locks import LockKind, locked
from ..system.process_identity import this_process
from .shared_task import Holder

_ID = re.compile(rb"[0-9a-f]{32}\n\Z")


def machine_id(home: HomePaths) -> str:
    """Raises Unreadable (`state-unreadable`), WorkFailed, Busy."""
    known = known_machine_id(home)
    if known:
        return known
    with locked(LockKind.INDEX, home.machine_id_lock):
        known = known_machine_id(home)
        if not known:
            known = secrets.token_hex(16)
            files.replace(home.machine_id, known.encode() + b"\n")
    return known


def this_holder(home: HomePaths, *, job: str = "", process: Owner | None = None) -> Holder:
    """This machine and process as others see them."""
    return Holder(machine_id(home), process or this_process(), job)


def known_machine_id(home: HomePaths) -> str:
    """Empty while this home has none. Raises Unreadable (`state-unreadable`)."""
    data = files.read_bytes(home.machine_id)
    if data is None:
        return ""
    if _ID.match(data) is None:
        hint = "restore it, or move it away: okstra then counts as another machine"
        raise Unreadable("state-unreadable", "it is no machine id", where=home.machine_id, hint=hint)
    return data.decode().strip()
