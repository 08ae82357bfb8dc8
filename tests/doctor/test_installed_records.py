"""The records that `okstra install` writes have the form of their schemas, half way and at the end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import schemas
from support.sealed import ROOT, sealed_environment

_NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(_NODE is None, reason="node is not there: okstra install can't be run")
KINDS = ("runtime", "skills", "agents")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    _install(tmp_path)
    return tmp_path


def _install(home: Path, *flags: str) -> None:
    environment = {**sealed_environment(home), "OKSTRA_PYTHON": sys.executable}
    ended = subprocess.run(
        [str(ROOT / "bin" / "okstra"), "install", *flags], env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def _record(home: Path, kind: str) -> dict[str, object]:
    value: dict[str, object] = json.loads((home / ".okstra" / f"installed-{kind}.json").read_text())
    return value


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_has_its_form(home: Path, kind: str) -> None:
    assert schemas.faults(_record(home, kind), f"installed-{kind}") == []


def test_a_record_of_links_has_its_form(tmp_path: Path) -> None:
    _install(tmp_path, "--link", "--target", "all")
    assert schemas.faults(_record(tmp_path, "skills"), "installed-skills") == []
    assert "link" in json.dumps(_record(tmp_path, "skills"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_another_form_is_noticed(home: Path, kind: str) -> None:
    whole = _record(home, kind)
    for change in ({"schema": f"installed-{kind}/2"}, {"state": "half"}, {"files": [{"path": "relative"}]}, {"x": 1}):
        assert schemas.faults({**whole, **change}, f"installed-{kind}") != []


def test_the_interpreter_that_doors_take_is_the_recorded_one(home: Path) -> None:
    assert _record(home, "runtime")["python"] == sys.executable
    assert (home / ".okstra" / "runtime").read_text() == f"{sys.executable}\n"
