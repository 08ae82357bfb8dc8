"""The real clients, each in a laboratory of its own; `make clients` fetches them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.agents.sweep import sweep
from support.okstra import Project

from .desk import Desk
from .install import NAMES, installed
from .lab import Lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every worker here is contained where it can be: that is how people run them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.contained)


@pytest.fixture(params=NAMES)
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    return Lab(tmp_path, str(request.param))


@pytest.fixture
def desk(project: Project, tmp_path: Path) -> Iterator[Desk]:
    """Ends what a test left at work: a client whose model is gone waits for it for ever."""
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not there")
    yield Desk(project, tmp_path)
    for path in project.task_root.rglob("events-*.jsonl"):
        for event in map(json.loads, path.read_text().splitlines()):
            if token := event.get("token"):
                sweep(token)
