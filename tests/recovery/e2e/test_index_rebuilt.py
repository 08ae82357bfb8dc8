"""The index of runs is derived: what it lost, or was never told, comes back from the runs on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support import index_file, schemas
from support.faults import Scene
from support.okstra import Okstra, Project
from support.rehearsal import install, led, part
from support.repos import Repo
from support.sealed import sealed_environment


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A project with runs that ended in every way, and one that is only prepared."""
    folder = tmp_path_factory.mktemp("lived") / "scene"
    (folder / "home").mkdir(parents=True)
    environment = sealed_environment(folder / "home")
    repo = Repo.init(folder / "project", environment)
    project = Project(repo, Okstra(environment, repo.path))
    project.okstra.ok("setup", "--project-id", "demo", "--yes")
    assert led(project, "error-analysis").status == 0
    project.adopt({1: (), 2: (), 3: ()})
    first, second = project.run_stage(), project.run_stage()
    assert project.finish(first).status == 0
    project.okstra.ok("stage", "release", "--run", second.data["run_id"], "--note", "later")
    project.run_stage("3")
    install(project, part({"fault": "garbage"}, role="analyst"))
    assert led(project, "improvement-discovery").status == 1
    assert project.run_phase("requirements-discovery").status == 0
    kept = Scene(folder)
    kept.keep()
    return kept


@pytest.fixture
def lived(scene: Scene) -> Project:
    """That project, as it was."""
    scene.restore()
    environment = sealed_environment(scene.folder / "home")
    repo = Repo(scene.folder / "project", environment)
    return Project(repo, Okstra(environment, repo.path))


def listed(project: Project) -> dict[str, tuple[str, str]]:
    rows = project.okstra.ok("list", "--all", "--json").data["runs"]
    return {row["run_id"]: (row["status"], row["manifest"]) for row in rows}


def lose_index(project: Project) -> None:
    index_file.path(project.home).unlink()


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
    assert [fault for row in index_file.rows(lived.home) for fault in schemas.faults(row, "index-row")] == []


@pytest.mark.parametrize("flag", ["--apply", "--rebuild"])
def test_a_damaged_index_is_set_aside_and_made_anew(lived: Project, flag: str) -> None:
    before, index = listed(lived), index_file.path(lived.home)
    index.write_bytes(b"not a database" * 1000)
    refused = lived.okstra("list", "--json")
    assert (refused.status, refused.codes) == (65, ["state-unreadable"])
    assert refused.envelope["errors"][0]["where"] == str(index)
    assert "okstra reconcile --apply" in refused.envelope["errors"][0]["try"]
    run = lived.run_phase("error-analysis")
    assert run.status == 0, "a view that is damaged stops no run"
    assert any("run index could not be updated" in warning for warning in run.data["warnings"])
    found = lived.okstra("reconcile", "--json").data["findings"]
    assert [one["kind"] for one in found][:1] == ["index-unreadable"]
    lived.okstra.ok("reconcile", flag, "--json")
    assert listed(lived).keys() == {*before, run.data["run_id"]}
    (aside,) = (lived.home / "index-aside").iterdir()
    assert aside.read_bytes().startswith(b"not a database")
    assert findings(lived) == []


def test_a_home_of_an_earlier_okstra_keeps_its_runs(lived: Project) -> None:
    before = listed(lived)
    rows = index_file.rows(lived.home)
    lose_index(lived)
    (lived.home / "active.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert listed(lived) == before
    assert findings(lived) == []
    run = lived.run_phase("requirements-discovery")
    assert listed(lived).keys() == {*before, run.data["run_id"]}
    assert not (lived.home / "active.jsonl").exists()
    assert findings(lived) == []


def test_rebuild_tells_the_index_too(lived: Project) -> None:
    before = listed(lived)
    lose_index(lived)
    assert lived.okstra.ok("reconcile", "--rebuild", "--json").data["indexed"] == len(before)
    assert listed(lived).keys() == before.keys()
    assert lived.okstra.ok("reconcile", "--rebuild", "--json").data["indexed"] == 0


@pytest.mark.parametrize("end", ["completed", "done", "released", "failed"])
def test_an_end_that_was_never_told_is_told(lived: Project, end: str) -> None:
    before = listed(lived)
    statement = "UPDATE runs SET event = 'prepared', at = prepared_at WHERE event = ?"
    assert index_file.execute(lived.home, statement, [end]) == 1
    (found,) = findings(lived)
    assert "lacks the end of 1 run" in found["what"]
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
    assert mirrored(lived) == {row["run_id"]: row["event"] for row in index_file.rows(lived.home)}
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
