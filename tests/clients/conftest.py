"""The real clients, each in a laboratory of its own; `make clients` fetches them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.okstra import Project

from .desk import Desk
from .install import NAMES, installed
from .lab import Lab


@pytest.fixture(params=NAMES)
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    return Lab(tmp_path, str(request.param))


@pytest.fixture
def desk(project: Project, tmp_path: Path) -> Desk:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not there")
    return Desk(project, tmp_path)
