"""An environment in which nothing of the person's home, git or agents is reachable."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_AGENT_PREFIXES = ("CLAUDE", "CODEX", "GEMINI", "ANTHROPIC", "OPENAI", "OKSTRA", "GIT_", "XDG_")


def sealed_environment(home: Path) -> dict[str, str]:
    """The environment of a test: its own home, git configuration and dates; no agent variable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_AGENT_PREFIXES)}
    return {
        **kept,
        "HOME": str(home),
        "OKSTRA_HOME": str(home / ".okstra"),
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "CODEX_HOME": str(home / ".codex"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "EDITOR": "true",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def fingerprint(folder: Path) -> str:
    """A digest of okstra's and the agents' folders in a home: names, sizes and times."""
    digest = hashlib.sha256()
    for name in (".okstra", ".claude", ".codex", ".gemini", ".gitconfig"):
        path = folder / name
        for entry in [path, *sorted(path.rglob("*"))] if path.exists() else []:
            found = entry.lstat()
            digest.update(f"{entry}\0{found.st_size}\0{found.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
