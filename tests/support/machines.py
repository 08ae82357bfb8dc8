"""Several machines that work on one task: each a clone and a home of its own, and one git remote between them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from okstra_ctl.settings.project import new_project_document

from .git_servers import git_daemon, git_over_http
from .okstra import Okstra, Project
from .plans import plan_text
from .repos import Repo
from .sealed import sealed_environment

TRANSPORTS = ("file", "git", "http")


@contextmanager
def farm_over(transport: str, folder: Path) -> Iterator[Farm]:
    """A farm whose machines reach the remote by a path, by `git daemon`, or by http, on loopback."""
    folder.mkdir(exist_ok=True)
    if transport == "file":
        yield Farm(folder)
        return
    home = folder.with_name(f"{folder.name}-server")
    home.mkdir()
    serve = git_daemon if transport == "git" else git_over_http
    with serve(folder, sealed_environment(home)) as port:
        yield Farm(folder, f"{transport}://127.0.0.1:{port}/remote.git")


class Farm:
    """A bare repository with one commit and a registered project; `machine` adds a clone with a home of its own."""

    def __init__(self, folder: Path, url: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.bare = folder / "remote.git"
        self.url = url or str(self.bare)
        self.environment = sealed_environment(self._made("home"))
        seed = Repo.init(folder / "seed", self.environment)
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        settings = {**new_project_document("demo"), "claims": "origin"}  # as `setup` and `remote use origin` write it
        seed.commit({".okstra/project.json": json.dumps(settings)}, "Register the project")
        seed.git("push", "--quiet", str(self.bare), "main")

    def machine(self, name: str) -> Project:
        """Another machine."""
        environment = sealed_environment(self._made(f"{name}-home"))
        clone = self.folder / name
        self._git("clone", "--quiet", self.url, str(clone))
        repo = Repo(clone, environment)
        repo.git("config", "user.name", name)
        repo.git("config", "user.email", f"{name}@example.invalid")
        return Project(repo, Okstra(environment, clone))

    def approve(self, machine: Project, depends: Mapping[int, tuple[int, ...]]) -> str:
        """Adopts a plan on that machine and approves it, which publishes it; returns its path."""
        plan = machine.adopt_text(plan_text(depends), approved=False)
        machine.okstra.ok("plan", "approve", plan, "--yes")
        return plan

    def join(self, machine: Project) -> str:
        """Brings the task to that machine and answers for its plan; returns the plan's path there."""
        digest = self.shared(machine.task_key)["approval"]["digest"]
        fetched = machine.okstra.ok("task", "fetch", machine.task_key, "--trust-digest", digest, "--json")
        return str(fetched.data["plan"])

    def shared(self, key: str) -> dict[str, Any]:
        """What the remote has of the task."""
        words = ("git", "-C", str(self.bare), "show", f"refs/okstra/tasks/{key.replace(':', '/')}:task.json")
        state: dict[str, Any] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
        return state

    def log(self, key: str) -> list[str]:
        """The subjects of the task's shared states, the newest first."""
        ref = f"refs/okstra/tasks/{key.replace(':', '/')}"
        words = ("git", "-C", str(self.bare), "log", "--first-parent", "--format=%s", ref)
        return subprocess.run(words, capture_output=True, check=True, text=True).stdout.splitlines()

    @property
    def host(self) -> str:
        """The name of every machine of the farm: they are told apart by their ids."""
        return os.uname().nodename

    def _made(self, name: str) -> Path:
        (self.folder / name).mkdir(parents=True)
        return self.folder / name

    def _git(self, *args: str) -> None:
        subprocess.run(["git", *args], env=self.environment, check=True, capture_output=True)
