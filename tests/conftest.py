"""Fixtures for every test, and the guard of the real home."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.system import pages
from support.contained_lab import can_contain
from support.okstra import Okstra, Project
from support.repos import Repo
from support.sealed import ROOT, sealed_environment, traces

# A busy machine is no failure: how long one example takes says nothing here.
settings.register_profile("okstra", deadline=None)
settings.load_profile("okstra")


@pytest.fixture(scope="session", autouse=True)
def real_home_is_untouched() -> Iterator[None]:
    """Fails the suite when a test wrote into the real home. Other programs may: a client that is open always does."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    before = traces(home)
    yield
    after = traces(home)
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    assert changed == [], f"a test changed {home}"


@pytest.fixture(scope="session", autouse=True)
def templates_are_compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Before a test counts what a command writes: whoever renders a page first would write them too."""
    place = sealed_environment(tmp_path_factory.mktemp("nobody"))["OKSTRA_TEMPLATE_CACHE"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OKSTRA_TEMPLATE_CACHE", place)
        compiled = pages.environment_of(str(ROOT / "templates"))
        for name in compiled.list_templates(extensions=("j2",)):
            compiled.get_template(name)


@pytest.fixture
def environment(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    sealed = sealed_environment(home)
    if request.node.get_closest_marker("contained") and can_contain(Kind.BWRAP):
        sealed["OKSTRA_SANDBOX"] = str(Kind.BWRAP)
    return sealed


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `okstra setup` leaves it. Nothing in it names its place, so that the tests' own are copies."""
    place = tmp_path_factory.mktemp("started")
    home = place / "home"
    home.mkdir()
    environment = sealed_environment(home)
    repo = Repo.init(place / "project", environment)
    Okstra(environment, repo.path).ok("setup", "--project-id", "demo", "--yes")
    assert list(home.iterdir()) == [], "setup writes to the home: a copied project would miss it"
    return repo.path


@pytest.fixture
def repo(started: Path, tmp_path: Path, environment: dict[str, str]) -> Repo:
    """A repository with one commit."""
    path = tmp_path / "project"
    shutil.copytree(started / ".git", path / ".git", symlinks=True)
    shutil.copy2(started / "README.md", path)
    repo = Repo(path, environment)
    repo.git("update-index", "--refresh")  # the index knows the copied file's inode
    return repo


@pytest.fixture
def okstra(environment: dict[str, str], repo: Repo) -> Okstra:
    return Okstra(environment, repo.path)


@pytest.fixture
def project(started: Path, repo: Repo, okstra: Okstra) -> Project:
    """A registered project in a repository with one commit."""
    shutil.copytree(started / ".okstra", repo.path / ".okstra")
    return Project(repo, okstra)


@pytest.fixture
def remote(project: Project) -> Path:
    """A bare repository beside the project, its `origin`."""
    path = project.repo.path.parent / "remote.git"
    project.repo.git("init", "--quiet", "--bare", str(path))
    project.repo.git("remote", "add", "origin", str(path))
    return path
