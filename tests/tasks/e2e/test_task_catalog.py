"""The project's catalogue of tasks: made anew from the tasks on disk, whatever became of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support import schemas
from support.okstra import Project

OTHER = "demo:core:T-2"


@pytest.fixture
def discovery(project: Project) -> Path:
    """Of a project with two tasks."""
    project.run_phase("error-analysis")
    flags = ("--task-type", "requirements-discovery", "--request=Do it.", "--render-only")
    project.okstra.ok("run", "--task-key", OTHER, *flags)
    return project.repo.path / ".okstra" / "discovery"


@pytest.mark.parametrize("flag", ["--apply", "--rebuild"])
@pytest.mark.parametrize("loss", ["the folder", "the catalogue", "the latest task", "an entry", "damaged", "outdated"])
def test_reconcile_makes_it_anew(project: Project, discovery: Path, flag: str, loss: str) -> None:
    catalog, latest = discovery / "task-catalog.json", discovery / "latest-task.json"
    before = (json.loads(catalog.read_text()), json.loads(latest.read_text()))
    if loss == "the folder":
        shutil.rmtree(discovery)
    elif loss == "the latest task":
        latest.unlink()
    elif loss == "damaged":
        catalog.write_text("{")
    elif loss == "the catalogue":
        catalog.unlink()
    else:
        document = json.loads(catalog.read_text())
        tasks = document["tasks"]
        tasks.pop(OTHER) if loss == "an entry" else tasks[OTHER].update(next_step="okstra something")
        catalog.write_text(json.dumps(document))
    if flag == "--apply":
        found = project.okstra("reconcile", "--json").data["findings"]
        assert "catalogue-behind" in [finding["kind"] for finding in found]
    project.okstra.ok("reconcile", flag)
    assert (json.loads(catalog.read_text()), json.loads(latest.read_text())) == before
    assert schemas.faults_of_file(catalog) == schemas.faults_of_file(latest) == []
    assert bool(list(discovery.glob("task-catalog.json.set-aside-*"))) == (loss == "damaged")
    found = project.okstra("reconcile", "--json").data["findings"]
    assert "catalogue-behind" not in [finding["kind"] for finding in found]


def test_a_task_whose_manifest_is_damaged_stays_in_it(project: Project, discovery: Path) -> None:
    catalog = discovery / "task-catalog.json"
    (project.task_root / "task-manifest.json").write_text("{")
    document = json.loads(catalog.read_text())
    kept = document["tasks"][project.task_key]
    del document["tasks"][OTHER]
    catalog.write_text(json.dumps(document))
    project.okstra("reconcile", "--apply")
    tasks = json.loads(catalog.read_text())["tasks"]
    assert (tasks[project.task_key], set(tasks)) == (kept, {project.task_key, OTHER})


@pytest.mark.parametrize("data", [None, b"{", b'{"schema": "task-catalog/1", "tasks": {}}'])
def test_the_wizard_knows_the_tasks_without_it(project: Project, discovery: Path, data: bytes | None) -> None:
    catalog = discovery / "task-catalog.json"
    catalog.unlink() if data is None else catalog.write_bytes(data)
    asked = project.okstra.ok("wizard", "init", "--json").data["prompt"]
    assert asked["id"] == "task"
    assert {"core:T-1", "core:T-2"} <= {option["value"] for option in asked["options"]}
