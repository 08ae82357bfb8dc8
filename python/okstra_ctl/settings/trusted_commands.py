"""Which settings of a repository run commands, and the digest by which trust in them is recorded."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from hashlib import sha256

from ..system.json_text import encode

# In the order in which they are shown. `providers` names a rehearsal's script, whose steps run commands.
SETTINGS = ("worktreeSetup", "worktreeTeardown", "qaCommands", "providers")


def commands_in(document: Mapping[str, object]) -> dict[str, object]:
    """The settings of a project.json that run commands and are not empty."""
    return {name: document[name] for name in SETTINGS if document.get(name)}


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
