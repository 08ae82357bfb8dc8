"""An environment in which nothing of the person's home, git or agents is reachable."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TEMPLATES = ROOT / ".pytest_cache" / "templates"  # compiled once, not by every led run of the tests
_AGENT_PREFIXES = ("CLAUDE", "CODEX", "GEMINI", "ANTHROPIC", "OPENAI", "OKSTRA", "GIT_", "XDG_")


def sealed_environment(home: Path) -> dict[str, str]:
    """The environment of a test: its own home, git configuration and dates; no agent variable."""
    _TEMPLATES.mkdir(parents=True, exist_ok=True)
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
        "OKSTRA_SANDBOX": "off",  # most workers here do what none should; the marker `contained` puts them inside
        "OKSTRA_TRUST": "1",  # scripts and checks are the tests' own; tests/settings/e2e/test_trust.py asks
        "OKSTRA_TEMPLATE_CACHE": str(_TEMPLATES),
        "PYTHONDONTWRITEBYTECODE": "",
    }


@contextmanager
def in_environment(environment: Mapping[str, str]) -> Iterator[None]:
    """This process has that environment alone, while the block runs."""
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


_LOOKED_AT = (".okstra", ".claude", ".codex", ".gemini", ".gitconfig", ".config/git")
_TEST_FOLDER = "pytest-of-"  # in the path of every folder that pytest gives a test
_SESSIONS = ("projects", "sessions", "todos", "history", "tmp", "log", "logs", "file-history", "shell-snapshots")
_LARGEST = 1024 * 1024


def traces(home: Path) -> dict[str, str]:
    """What in a home could be a test's, with its size and time.

    All of okstra's own folder; paths that name okstra, or a test's folder; the clients' and git's settings that name
    one. Clients write their own files whenever they are open, sessions in a folder named `okstra` among them: those
    say nothing of the tests.
    """
    found = {}
    for name in _LOOKED_AT:
        top = home / name
        for path in (
            [top] if not top.is_dir() else [Path(folder, one) for folder, _, ones in os.walk(top) for one in ones]
        ):
            if name == ".okstra" or _is_a_tests(path, top):
                found[str(path)] = _stamp(path)
    return {path: stamp for path, stamp in found.items() if stamp}


def _is_a_tests(path: Path, top: Path) -> bool:
    parts = path.relative_to(top).parts
    if any(_TEST_FOLDER in part for part in parts):
        return True
    if any("okstra" in part for part in parts) and parts[0] not in _SESSIONS:
        return True
    return len(parts) <= 1 and path.suffix != ".jsonl" and _names_a_test(path)


def _names_a_test(path: Path) -> bool:
    try:
        found = path.lstat()
        plain = stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST
        return plain and _TEST_FOLDER.encode() in path.read_bytes()
    except OSError:
        return False


def _stamp(path: Path) -> str:
    """Empty for what is not there: a client may have taken it away meanwhile."""
    try:
        found = path.lstat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"
