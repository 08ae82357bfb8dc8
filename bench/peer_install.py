"""Puts the peers into `.peers/`, pinned, each as its own page says (npm, pip, git); kept for the next time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / ".peers"
NEWER = (3, 12)  # what bernstein and orkestra-runtime ask for
REPOSITORIES = {"git-worktree-runner": "https://github.com/coderabbitai/git-worktree-runner.git"}
PROBE = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))"


class Peer(NamedTuple):
    """`version` is pinned: a scene is made with commands that another version may have renamed."""

    name: str
    version: str
    command: str
    registry: str

    @property
    def folder(self) -> Path:
        return FOLDER / f"{self.name}-{self.version}"

    @property
    def bin(self) -> Path:
        return self.folder / {"npm": "node_modules/.bin", "git": "source/bin"}.get(self.registry, "bin")

    @property
    def program(self) -> str:
        return str(self.bin / self.command)


PEERS = (
    Peer("bernstein", "3.23.0", "bernstein", "PyPI"),
    Peer("git-worktree-runner", "2.11.0", "git-gtr", "git"),
    Peer("orkestra-runtime", "0.5.5", "orkestra", "PyPI"),
    Peer("spec-kitty-cli", "3.2.7", "spec-kitty", "PyPI"),
    Peer("task-master-ai", "0.43.1", "task-master", "npm"),
)


def install(peer: Peer) -> str:
    """Answers why it could not be installed; nothing if it is there."""
    if (peer.folder / ".ready").exists():
        return ""
    print(f"fetching {peer.name} {peer.version} from {peer.registry} …", file=sys.stderr)
    shutil.rmtree(peer.folder, ignore_errors=True)
    peer.folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="okstra-peers-") as home:
        failure = {"npm": _from_npm, "git": _from_git}.get(peer.registry, _from_pypi)(peer, home)
    if not failure:
        (peer.folder / ".ready").touch()
    return failure


def _from_pypi(peer: Peer, home: str) -> str:
    python = next(_new_pythons(), None)
    if python is None:
        return f"no Python {NEWER[0]}.{NEWER[1]} or newer that can make a venv"
    pip = [str(peer.bin / "python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]
    return _run([python, "-m", "venv", str(peer.folder)], home) or _run([*pip, f"{peer.name}=={peer.version}"], home)


def _from_npm(peer: Peer, home: str) -> str:
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not on the PATH"
    (peer.folder / "package.json").write_text('{"name": "peers", "private": true}\n', encoding="utf-8")
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    argv = [npm, "install", "--prefix", str(peer.folder), *quiet, f"{peer.name}@{peer.version}"]
    return _run(argv, home)


def _from_git(peer: Peer, home: str) -> str:
    tag = ["--quiet", "--depth=1", f"--branch=v{peer.version}"]
    return _run(["git", "clone", *tag, REPOSITORIES[peer.name], str(peer.folder / "source")], home)


def _run(argv: list[str], home: str) -> str:
    done = subprocess.run(argv, env={**os.environ, "HOME": home}, capture_output=True, text=True)
    lines = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else f"{Path(argv[0]).name} ended with {done.returncode}: {(lines or ['?'])[-1]}"


def _new_pythons() -> Iterator[str]:
    """One for all peers of PyPI, so that their start-up times compare. A version manager's shim may not run."""
    names = [sys.executable, *(f"python3.{minor}" for minor in (14, 13, 12)), "python3"]
    managed = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))) / "versions"
    found = [shutil.which(name) for name in names]
    found += [str(path) for path in sorted(managed.glob("3.1[2-9]*/bin/python"), reverse=True)]
    for python in found:
        if python and subprocess.run([python, "-c", PROBE], capture_output=True).returncode == 0:
            yield python
