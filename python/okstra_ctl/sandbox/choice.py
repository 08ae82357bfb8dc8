"""How workers are contained, as values: by which means, with which options, and what one worker or command gets."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from ..status import Word
from .bubblewrap import Means
from .profile import Bind, Places, Role

AUTO = "auto"


class Kind(Word):
    """By what workers are contained; `off`: they are watched."""

    BWRAP = "bwrap"
    LANDLOCK = "landlock"
    SEATBELT = "seatbelt"
    OFF = "off"


CHOICES = (AUTO, *(str(kind) for kind in Kind))


class Probed(NamedTuple):
    """What was found. `why` and `remedy` explain why it is not the best kind, and are empty where it is."""

    kind: Kind
    why: str = ""
    remedy: str = ""
    means: Means = Means("", False, False)

    def to_json(self) -> dict[str, str]:
        """For the run's manifest."""
        return {"kind": str(self.kind), "why": self.why}


class SandboxOptions(NamedTuple):
    """The person's settings. `ports` None: any port."""

    shown: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    ports: tuple[int, ...] | None = ()
    check_network: bool = True
    synced: tuple[str, ...] = ()
    """What new worktrees get from the main checkout, relative to that."""


class Sandbox(NamedTuple):
    """How workers are contained in this run, and okstra's folder for what it needs to do so."""

    probed: Probed
    options: SandboxOptions
    folder: str

    @property
    def contains(self) -> bool:
        return self.probed.kind is not Kind.OFF


class Containment(NamedTuple):
    """How one worker or command is contained. `binds` are laid over what its role gets anyway."""

    sandbox: Sandbox
    role: Role
    places: Places
    binds: tuple[Bind, ...] = ()
    variables: tuple[str, ...] = ()
    """Variables that it gets besides those of its client."""
    ports: tuple[int, ...] = ()
    """Of its worktree's own services, where an agent may connect to as well."""


def own_folder(sandbox: Sandbox, token: str) -> str:
    """The folder of one dispatch, below the home: for its client's private state, and where nothing can be mounted,
    for its temporary files."""
    return posixpath.join(sandbox.folder, token)


def words(probed: Probed) -> str:
    """What terminal, manifest and report say of it; empty where everything is contained."""
    if probed.kind is Kind.LANDLOCK:
        return "workers: files contained, processes watched" + (f" ({probed.why})" if probed.why else "")
    return f"workers: watched, not contained ({probed.why})" if probed.kind is Kind.OFF else ""
