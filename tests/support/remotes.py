"""Git remotes for claims, and machines that use one: each with a home and a clone of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from okstra_ctl.home_paths import HomePaths
from okstra_ctl.names import TaskKey
from okstra_ctl.remote.exchange import Exchange, open_exchange
from okstra_ctl.settings.claims_remote import NAMESPACE

from .repos import Repo
from .shared_tasks import KEY


class Remote(Repo):
    """A bare repository with one commit on `main`. `url` is how machines reach it."""

    url = ""

    @classmethod
    def make(cls, path: Path, environment: Mapping[str, str]) -> Remote:
        seed = Repo.init(path.with_name(f"{path.name}.seed"), environment)
        remote = cls(path, environment)
        seed.git("clone", "--quiet", "--bare", str(seed.path), str(path))
        remote.url = str(path)
        return remote

    def refs(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ", 1) for line in lines)  # type: ignore[misc]


class Seat:
    """A machine: a home, and a clone whose `origin` is the remote."""

    def __init__(self, folder: Path, remote: Remote, *, url: str = "") -> None:
        self.home = HomePaths(str(folder / "home"))
        folder.mkdir(parents=True)
        self.clone = Repo(folder / "clone", remote.environment)
        remote.git("clone", "--quiet", str(remote.path), str(self.clone.path))
        self.clone.git("config", "remote.origin.url", url or remote.url)

    def exchange(self, key: TaskKey = KEY, *, namespace: str = NAMESPACE) -> Exchange:
        return open_exchange(self.home, str(self.clone.path), "origin", namespace, key)
