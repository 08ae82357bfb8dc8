"""Which files of a commit decide what setting a checkout up makes; and what must not be taken for unchanged.

Pure: `proof/checkout.py` asks git and the disk.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from ..system.text import encode

_DEPENDENCY_FILES = frozenset(
    {
        *("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"),
        *("pnpm-workspace.yaml", "bun.lock", "bun.lockb", "deno.lock"),
        *("pyproject.toml", "setup.py", "setup.cfg", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock"),
        *("pylock.toml", "environment.yml", "conda-lock.yml", "pixi.lock"),
        *("Cargo.toml", "Cargo.lock", "go.mod", "go.sum", "Gemfile", "Gemfile.lock"),
        *("composer.json", "composer.lock", "mix.exs", "mix.lock", "pubspec.yaml", "pubspec.lock"),
        *("packages.lock.json", "gradle.lockfile", "pom.xml", "Podfile.lock", "flake.lock", "Package.resolved"),
        *("stack.yaml.lock", "cabal.project.freeze", "rebar.lock", ".tool-versions", ".nvmrc", ".python-version"),
    }
)


def signature(blobs: Mapping[str, str], setup: Sequence[str], links: Iterable[str], sources: object) -> str:
    """Two checkouts with one signature are set up alike: a digest of the commands, of the files that they read as far
    as names tell, of the submodules' commits, and of what is brought from the main worktree.

    `blobs`: path to id, of a whole commit; `links`: the submodules among them.
    """
    named = {posixpath.normpath(word) for command in setup for word in _words(command)}
    read = {path: blob for path, blob in blobs.items() if setup and _is_read(path, named)}
    read.update({path: blobs[path] for path in links})
    return sha256(encode([list(setup), sorted(read.items()), sources])).hexdigest()


def _is_read(path: str, named: set[str]) -> bool:
    name = posixpath.basename(path)
    requirements = name.startswith("requirements") and name.endswith((".txt", ".in"))
    return name in _DEPENDENCY_FILES or requirements or path in named


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
