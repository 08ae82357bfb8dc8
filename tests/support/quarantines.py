"""A repository with everything that a worker could harm, a quarantine for one of its worktrees, and scripts inside."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from okstra_ctl.home_paths import HomePaths
from okstra_ctl.quarantine.make import Order, make
from okstra_ctl.quarantine.record import Quarantine, binds
from okstra_ctl.quarantine.take_home import TakenHome, take_home

from .repos import Repo

BRANCH = "feat-t-1-s1"
KEPT = "refs/okstra/kept/demo/core/t-1/stage-1/"
FORMATS: dict[str, tuple[str, ...]] = {
    "files": (),
    "reftable": ("--ref-format=reftable",),
    "sha256": ("--object-format=sha256",),
}
_ALONE = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session")


def bwrap() -> tuple[str, ...]:
    """The start of a command line that contains a command. Skips the test where bubblewrap can't work."""
    user = ("--cap-drop", "ALL") if os.getuid() == 0 else ("--unshare-user",)
    argv = (shutil.which("bwrap") or "bwrap", *_ALONE, *user, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
    try:
        works = subprocess.run([*argv, "true"], capture_output=True).returncode == 0
    except OSError:
        works = False
    if not works:
        pytest.skip("bubblewrap can't start here")
    return argv


def inside(
    one: Quarantine, script: str, contained: tuple[str, ...], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs a script as a worker would, with the quarantine over the real folder."""
    words = ["--bind", one.worktree, one.worktree]
    for bind in binds(one):
        words += ["--bind" if bind.writable else "--ro-bind", bind.source, bind.target]
    return subprocess.run(
        [*contained, *words, "--chdir", one.worktree, "bash", "-c", script],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )


def state_of(top: Path) -> dict[str, str]:
    """Everything below a folder, files with their digests."""
    found = {}
    for place, folders, names in os.walk(top):
        for name in [*names, *folders]:
            path = os.path.join(place, name)
            if os.path.islink(path):
                found[path] = os.readlink(path)
            else:
                found[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest() if name in names else ""
    return found


class Lab:
    """`project` with a remote, three worktrees, a stash, tags, hooks and a kept ref; the worktree at `at` is the
    worker's."""

    def __init__(self, folder: Path, environment: Mapping[str, str], kind: str) -> None:
        self.folder, self.project, self.at = folder, folder / "project", folder / "work" / "stage-1"
        self.home = HomePaths(str(folder / "home" / ".okstra"))
        self.repo = Repo(self.project, environment)
        folder.mkdir(parents=True)
        options = FORMATS[kind]
        for words in (("--bare", "remote.git"), ("--initial-branch=main", "project")):
            made = subprocess.run(["git", "init", "--quiet", *options, *words], cwd=folder, env=environment)
            if made.returncode:
                pytest.skip(f"this git has no {kind}")
        self._fill()
        self._kept = folder.with_name(f"{folder.name}.kept")
        subprocess.run(["cp", "-a", str(folder), str(self._kept)], check=True)

    def _fill(self) -> None:
        git = self.repo.git
        git("config", "user.name", "Person")
        git("config", "user.email", "person@example.invalid")
        git("config", "gc.auto", "0")
        self.repo.commit({"src/a.py": "print(1)\n", ".gitignore": "*.log\n", "README.md": "hello\n"}, "one")
        self.repo.commit({"README.md": "hello\ntwo\n"}, "two")
        git("tag", "v1")
        for name in ("other", "feat-t-1", BRANCH, "feat-t-1-s2"):
            git("branch", name)
        git("remote", "add", "origin", str(self.folder / "remote.git"))
        git("push", "--quiet", "origin", "main")
        git("gc", "--quiet")
        (self.project / "README.md").write_text("stashed\n")
        git("stash", "--quiet")
        git("update-ref", "refs/okstra/kept/precious", "HEAD~1")
        hook = self.project / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 0\n")
        hook.chmod(0o755)
        for name, branch in (("stage-1", BRANCH), ("stage-2", "feat-t-1-s2"), ("task", "feat-t-1")):
            git("worktree", "add", "--quiet", f"../work/{name}", branch)

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        subprocess.run(["cp", "-a", str(self._kept), str(self.folder)], check=True)

    def state(self) -> dict[str, str]:
        """Every file of the real common folder with its digest, and everything beside it that is not the worker's."""
        tops = (self.project, self.folder / "remote.git", self.folder / "work" / "stage-2")
        return {name: digest for top in tops for name, digest in state_of(top).items()}

    def quarantine(self, *, mounts: bool = True) -> Quarantine:
        return make(self.home, Order("demo:core:T-1/implementation/stage-1/001", "codex-1", str(self.at), KEPT, mounts))

    def inside(self, one: Quarantine, script: str, contained: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return inside(one, script, contained, self.repo.environment)

    def work(self, script: str, contained: tuple[str, ...]) -> TakenHome:
        one = self.quarantine()
        ended = self.inside(one, script, contained)
        assert ended.returncode == 0, ended
        return take_home(one)

    def tip(self, ref: str = BRANCH) -> str:
        return self.repo.git("rev-parse", "--verify", "--quiet", ref, check=False)

    def status(self) -> str:
        return Repo(self.at, self.repo.environment).git("status", "--porcelain")
