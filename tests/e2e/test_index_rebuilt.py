"""The index of runs is derived: what it lost, or was never told, comes back from the runs on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.okstra import Project
from support.rehearsal import install, led, part


@pytest.fixture
def lived(project: Project) -> Project:
    """Runs that ended in every way, and one that is only prepared."""
    assert led(project, "error-analysis").status == 0
    project.adopt({1: (), 2: (), 3: ()})
    first, second = project.run_stage(), project.run_stage()
    assert project.finish(first).status == 0
    project.okstra.ok("stage", "release", "--run", second.data["run_id"], "--note", "later")
    project.run_stage("3")
    install(project, part({"fault": "garbage"}, role="analyst"))
    assert led(project, "improvement-discovery").status == 1
    assert project.run_phase("requirements-discovery").status == 0
    return project


def listed(project: Project) -> dict[str, tuple[str, str]]:
    rows = project.okstra.ok("list", "--all", "--json").data["runs"]
    return {row["run_id"]: (row["status"], row["manifest"]) for row in rows}


def lose_index(project: Project) -> None:
    for name in ("active.jsonl", "recent.jsonl"):
        (project.home / name).unlink(missing_ok=True)
    shutil.rmtree(project.home / "archive", ignore_errors=True)


def findings(project: Project, *flags: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = project.okstra("reconcile", *flags, "--json").data["findings"]
    return [one for one in told if one["kind"] == "not-indexed"]


def test_a_lost_index_comes_back_from_the_runs_on_disk(lived: Project) -> None:
    before, spent = listed(lived), lived.okstra.ok("time-summary", "--json").data["total"]
    assert {status for status, _ in before.values()} >= {"completed", "failed", "released", "prepared"}
    lose_index(lived)
    assert findings(lived) != []
    assert {one["done"] != "" for one in findings(lived, "--apply")} == {True}
    assert listed(lived) == before
    after = lived.okstra.ok("time-summary", "--json").data["total"]
    assert {name: after[name] for name in ("runs", "counted", "from_prepared", "open", "unknown")} == {
        name: spent[name] for name in ("runs", "counted", "from_prepared", "open", "unknown")
    }
    assert findings(lived) == []
    assert schemas.faults_of_file(lived.home / "active.jsonl") == []


def test_rebuild_tells_the_index_too(lived: Project) -> None:
    before = listed(lived)
    lose_index(lived)
    assert lived.okstra.ok("reconcile", "--rebuild", "--json").data["indexed"] == len(before)
    assert listed(lived).keys() == before.keys()
    assert lived.okstra.ok("reconcile", "--rebuild", "--json").data["indexed"] == 0


@pytest.mark.parametrize("end", ["completed", "done", "released", "failed"])
def test_an_end_that_was_never_told_is_told(lived: Project, end: str) -> None:
    before, index = listed(lived), lived.home / "active.jsonl"
    lines = index.read_text().splitlines(True)
    kept = [line for line in lines if f'"event": "{end}"' not in line]
    assert len(kept) == len(lines) - 1
    index.write_text("".join(kept))
    (found,) = findings(lived)
    assert "was not told the end of 1 run" in found["what"]
    (mended,) = findings(lived, "--apply")
    assert mended["done"] != ""
    assert listed(lived) == before
    assert findings(lived) == []


def test_a_manifest_that_tells_nothing_is_no_finding(project: Project) -> None:
    prepared = project.run_phase("error-analysis")
    lose_index(project)
    Path(prepared.data["manifest"]).write_text("{")
    assert findings(project) == []


def mirrored(project: Project) -> dict[str, str]:
    """The newest event of each run in the project's own copy."""
    lines = (project.repo.path / ".okstra" / "discovery" / "runs.jsonl").read_text().splitlines()
    return {row["run_id"]: row["event"] for row in map(json.loads, lines)}


def test_the_project_keeps_a_copy_of_its_rows(lived: Project) -> None:
    lines = (lived.home / "active.jsonl").read_text().splitlines()
    assert mirrored(lived) == {row["run_id"]: row["event"] for row in map(json.loads, lines)}
    assert schemas.faults_of_file(lived.repo.path / ".okstra" / "discovery" / "runs.jsonl") == []


@pytest.mark.parametrize("flag", ["--apply", "--rebuild"])
def test_a_run_whose_folder_is_gone_comes_back_from_the_projects_copy(lived: Project, flag: str) -> None:
    before = listed(lived)
    shutil.rmtree(lived.task_root / "runs" / "error-analysis")
    lose_index(lived)
    lived.okstra("reconcile", flag, "--json")
    assert listed(lived) == before
    (gone,) = [run for run in before if "/error-analysis/" in run]
    shown = lived.okstra("show", gone, "--json")
    assert (shown.status, shown.codes) == (2, ["not-found"])
    assert shown.envelope["errors"][0]["where"] == before[gone][1]
    assert findings(lived) == []


def test_what_the_projects_copy_lacks_is_given_to_it(lived: Project) -> None:
    copy, before = lived.repo.path / ".okstra" / "discovery" / "runs.jsonl", mirrored(lived)
    lines = [line for line in copy.read_text().splitlines(True) if '"event": "completed"' not in line]
    copy.write_text("".join(lines[1:]))
    (found,) = findings(lived)
    assert "own copy of the index lacks" in found["what"]
    assert findings(lived, "--apply")[0]["done"] != ""
    assert mirrored(lived) == before
    assert findings(lived) == []


def test_a_copy_that_cannot_be_written_stops_no_run(lived: Project) -> None:
    copy = lived.repo.path / ".okstra" / "discovery" / "runs.jsonl"
    copy.unlink()
    copy.mkdir()
    run = lived.run_phase("requirements-discovery")
    assert run.status == 0
    assert any("own list of runs" in warning for warning in run.data["warnings"]), run.data
    assert run.data["run_id"] in listed(lived)
