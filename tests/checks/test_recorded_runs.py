"""What okstra ran in a run counts as evidence of one commit: the one that it ran at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from okstra_ctl.checks.evidence import recorded_runs
from okstra_ctl.names import RunId
from okstra_ctl.paths import ProjectFiles
from okstra_ctl.runs.find import KnownRun

_HERE, _ELSEWHERE = "a" * 40, "b" * 40


@pytest.fixture
def run(tmp_path: Path) -> KnownRun:
    name = RunId.parse("demo:core:T-1/implementation/stage-1/001")
    project = ProjectFiles(str(tmp_path))
    files = project.task(name.task).run_of(name)
    check = {"command": "make check", "exit": 0, "commit": _HERE}
    for path, document in ((files.qa, {"checks": [{**check, "command": "make lint"}]}), (files.exit_check, check)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(document))
    return KnownRun(name, project, files, {})


def test_a_check_counts_at_the_commit_that_it_ran_at(run: KnownRun) -> None:
    assert {one.command: one.commit for one in recorded_runs(run, _HERE).values()} == {
        "make check": _HERE,
        "make lint": _HERE,
    }


def test_a_check_shows_nothing_of_another_commit(run: KnownRun) -> None:
    assert recorded_runs(run, _ELSEWHERE) == {}
