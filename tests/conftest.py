"""Fixtures for every test, and the guard of the real home."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.okstra import Okstra, Project
from support.repos import Repo
from support.sealed import fingerprint, sealed_environment


@pytest.fixture(scope="session", autouse=True)
def real_home_is_untouched() -> Iterator[None]:
    """Fails the suite when okstra's, an agent's or git's files in the real home changed."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    before = fingerprint(home)
    yield
    assert fingerprint(home) == before, f"a test changed {home}"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return sealed_environment(home)


@pytest.fixture
def repo(tmp_path: Path, environment: dict[str, str]) -> Repo:
    """A repository with one commit."""
    return Repo.init(tmp_path / "project", environment)


@pytest.fixture
def okstra(environment: dict[str, str], repo: Repo) -> Okstra:
    return Okstra(environment, repo.path)


@pytest.fixture
def project(repo: Repo, okstra: Okstra) -> Project:
    """A registered project in a repository with one commit."""
    okstra.ok("setup", "--project-id", "demo", "--yes")
    return Project(repo, okstra)
