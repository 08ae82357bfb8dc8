"""`okstra trust`: commands that a repository's settings name are run once a person has trusted them.

Whoever can write to a repository can write its settings: a stranger whose repository was cloned, an agent in an
earlier run. So the digest of what a person saw is kept in the home, by the project's folder.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from ..errors import Refused
from ..paths import ProjectFiles
from ..services import Services, ensure_home
from ..system import files
from ..system.locks import LockKind, locked
from ..system.text import encode
from .claims_remote import OFF

# In the order in which they are shown. `providers` names a rehearsal's script, whose steps run commands; the next three
# let more into the sandbox, or out of it; `claims` has okstra write to a git remote.
SETTINGS = (
    *("worktreeSetup", "worktreeTeardown", "qaCommands", "providers"),
    *("sandboxShow", "sandboxWritable", "sandboxPorts"),
    "claims",
)
_NO_CLAIMS = ("claims", OFF)
SCHEMA = "trusted/1"
TRUST_VARIABLE = "OKSTRA_TRUST"


def commands_in(document: Mapping[str, object]) -> dict[str, object]:
    """The settings of a project.json that run commands and are not empty."""
    return {name: document[name] for name in SETTINGS if document.get(name) and (name, document[name]) != _NO_CLAIMS}


def script_in(commands: Mapping[str, object], root: str) -> str:
    """The script that the settings run; empty without one."""
    providers = commands.get("providers")
    rehearsal = providers.get("rehearsal") if isinstance(providers, Mapping) else None
    script = rehearsal.get("script") if isinstance(rehearsal, Mapping) else None
    return posixpath.normpath(posixpath.join(root, script)) if isinstance(script, str) and script else ""


def digest_of(commands: Mapping[str, object], script: bytes) -> str:
    """SHA-256 of the settings and of the script's text."""
    return sha256(encode(dict(commands)) + b"\n" + script).hexdigest()


def shown(commands: Mapping[str, object]) -> list[tuple[str, str]]:
    """Each command with the name of its setting, for people."""
    rows: list[tuple[str, str]] = []
    for name, value in commands.items():
        entries = value if isinstance(value, list) else [value]
        rows += [(name, entry if isinstance(entry, str) else encode(entry).decode()) for entry in entries]
    return rows


class Commands(NamedTuple):
    """What a project's settings run. `digest` is empty when they run nothing."""

    root: str
    settings: Mapping[str, object]
    script: str
    digest: str


def commands_of(root: str, settings: Mapping[str, object]) -> Commands:
    """`settings` as `commands_in` returns them. Raises Unreadable when the script can't be read."""
    root = os.path.realpath(root)
    script = script_in(settings, root)
    text = (files.read_bytes(script) or b"") if script else b""
    return Commands(root, settings, script, digest_of(settings, text) if settings else "")


def is_trusted(commands: Commands, services: Services) -> bool:
    if not commands.digest or services.environment.get(TRUST_VARIABLE) == "1":
        return True
    known = _projects(services).get(commands.root)
    return isinstance(known, Mapping) and known.get("digest") == commands.digest


def require_trusted(root: str, settings: Mapping[str, object], services: Services) -> None:
    """To be called with the settings that are about to be used. Raises Refused (`not-trusted`), Unreadable."""
    commands = commands_of(root, settings)
    if is_trusted(commands, services):
        return
    names = ", ".join(commands.settings)
    raise Refused(
        "not-trusted",
        f"the project's settings run commands ({names}), and nobody has trusted them as they are now",
        where=ProjectFiles(commands.root).config,
        hint=f"okstra trust shows them and asks; in CI, once you have read them: --trust, or {TRUST_VARIABLE}=1",
    )


def trust(commands: Commands, services: Services) -> None:
    """Records that a person trusts the commands as they are now. Raises Unreadable, WorkFailed, Busy."""
    ensure_home(services.home)
    with locked(LockKind.INDEX, services.home.trusted_lock):
        projects = {**_projects(services), commands.root: {"digest": commands.digest, "at": services.clock.now()}}
        files.replace_json(services.home.trusted, {"schema": SCHEMA, "projects": projects})


def _projects(services: Services) -> Mapping[str, object]:
    document = files.read_json(services.home.trusted, SCHEMA) or {}
    projects = document.get("projects")
    return projects if isinstance(projects, Mapping) else {}
