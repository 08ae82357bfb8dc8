"""What a project's files tell about how it is set up and tested: proposals for its settings. Pure but for `look`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..errors import OkstraError
from ..system import files
from ..system.text import loads

_READ = ("package.json", "pyproject.toml", "Makefile", "setup.cfg", ".worktreeinclude")
_TEST_TARGET = re.compile(r"^test[ \t]*:", re.MULTILINE)
_NO_TEST = "no test specified"
_SHARED = re.compile(r"\.env(\.(?!example|sample|template|dist)[\w.-]+)?")


class Found(NamedTuple):
    """The names in the project's root, and the texts of those that are read."""

    names: frozenset[str]
    texts: Mapping[str, str]


class Proposal(NamedTuple):
    """Values of settings: commands that test the project, that set a fresh checkout up, and files that it needs."""

    qaCommands: tuple[str, ...] = ()  # noqa: N815 - the setting's name
    worktreeSetup: tuple[str, ...] = ()  # noqa: N815
    worktreeSyncDirs: tuple[str, ...] = ()  # noqa: N815


def look(root: str) -> Found:
    """Reads what `propose` needs; a file that can't be read counts as empty."""
    names = frozenset(files.names_in(root))
    return Found(names, {name: _text(os.path.join(root, name)) for name in _READ if name in names})


def _text(path: str) -> str:
    try:
        return (files.read_bytes(path) or b"").decode("utf-8", "replace")
    except OkstraError:
        return ""


def propose(found: Found) -> Proposal:
    """One test command for each kind of project that is there; a Makefile's `test` target stands for them all."""
    tools = list(_tools(found))
    tests = [test for test, _ in tools if test]
    if _TEST_TARGET.search(found.texts.get("Makefile", "")):
        tests = ["make test"]
    shared = {name for name in found.names if _SHARED.fullmatch(name)}
    shared |= {line.strip() for line in found.texts.get(".worktreeinclude", "").splitlines() if _is_path(line.strip())}
    return Proposal(tuple(tests), tuple(setup for _, setup in tools if setup), tuple(sorted(shared)))


def _is_path(line: str) -> bool:
    return bool(line) and not line.startswith(("#", "/", "!")) and not set("*?[") & set(line) and ".." not in line


def _tools(found: Found) -> Iterator[tuple[str, str]]:
    """The test command and the set-up command of each tool, empty where it has none."""
    names = found.names
    if names & {"pyproject.toml", "setup.py", "setup.cfg", "pytest.ini"}:
        yield _python(found)
    if "package.json" in names:
        yield _node(found)
    if "Cargo.toml" in names:
        yield "cargo test", ""
    if "go.mod" in names:
        yield "go test ./...", ""


def _python(found: Found) -> tuple[str, str]:
    said = "".join(found.texts.values())
    tested = "pytest" in said or bool(found.names & {"pytest.ini", "conftest.py", "tox.ini"})
    if "uv.lock" in found.names:
        return ("uv run pytest -q" if tested else ""), "uv sync --frozen"
    if "poetry.lock" in found.names:
        return ("poetry run pytest -q" if tested else ""), "poetry install"
    return ("python3 -m pytest -q" if tested else ""), ""


def _node(found: Found) -> tuple[str, str]:
    try:
        scripts = loads(found.texts.get("package.json", ""))["scripts"]
        script = str(scripts["test"])
    except (ValueError, TypeError, KeyError, RecursionError):
        script = ""
    tool, setup = "npm", "npm ci" if "package-lock.json" in found.names else ""
    if "pnpm-lock.yaml" in found.names:
        tool, setup = "pnpm", "pnpm install --frozen-lockfile"
    elif "yarn.lock" in found.names:
        tool, setup = "yarn", "yarn install --frozen-lockfile"
    return (f"{tool} test" if script and _NO_TEST not in script else ""), setup
