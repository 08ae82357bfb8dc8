"""Tasks that belong to one subject name each other, and every agent is told of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.okstra import Ended, Project

OTHER = "demo:core:T-2"


@pytest.fixture
def two(project: Project) -> Project:
    """A project with the task T-2 and none of the key T-1 yet."""
    _run(project, "T-2")
    return project


def _run(project: Project, task_id: str, *more: str) -> Ended:
    named = ("--task-group", "core", "--task-id", task_id, "--task-type", "error-analysis", "--request=Do it.")
    return project.okstra("run", *named, "--render-only", "--json", *more)


def _task(project: Project, task_id: str) -> Path:
    return project.repo.path / ".okstra" / "tasks" / "core" / task_id


def _manifest(project: Project, task_id: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((_task(project, task_id) / "task-manifest.json").read_text())
    return value


def test_both_name_each_other_and_prompts_tell(two: Project) -> None:
    prepared = _run(two, "T-1", "--related-tasks", OTHER)
    assert (prepared.status, prepared.data["warnings"]) == (0, []), prepared
    assert _manifest(two, "t-1")["related"] == [OTHER]
    assert _manifest(two, "t-2")["related"] == ["demo:core:T-1"]
    assert f"- related: `{OTHER}`" in (_task(two, "t-1") / "task-index.md").read_text()
    page = (_task(two, "t-2") / "task-index.md").read_text()
    assert "- related: `demo:core:T-1`" in page
    assert "- worktree of that run: `" in page
    prompts = list((Path(prepared.data["run_dir"]) / "prompts").glob("*.md"))
    told = f"`{OTHER}`: Do it. (`{_task(two, 't-2')}/task-index.md`)"
    assert len(prompts) > 2
    assert [path.name for path in prompts if told not in path.read_text()] == []


def test_a_later_run_is_told_without_being_asked(two: Project) -> None:
    _run(two, "T-1", "--related-tasks", OTHER)
    later = _run(two, "T-2")
    assert "`demo:core:T-1`: Do it. (" in Path(later.data["launch_prompt"]).read_text()
    assert _manifest(two, "t-2")["related"] == ["demo:core:T-1"]


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("demo:core:T-9", "not-found"),
        ("other:core:T-2", "not-found"),
        ("demo:core:t 2", "not-found"),
        (f"{OTHER},demo:core:T-1", "bad-identity"),
        ("T-2", "bad-identity"),
    ],
)
def test_a_task_that_is_none_is_told_at_once(two: Project, named: str, code: str) -> None:
    refused = _run(two, "T-1", "--related-tasks", named)
    assert (refused.status, refused.codes) == (2, [code]), refused
    assert not _task(two, "t-1").exists()


def test_a_link_that_a_kill_left_half_made_is_made_whole(two: Project) -> None:
    _run(two, "T-1", "--related-tasks", OTHER)
    other = _task(two, "t-2") / "task-manifest.json"
    document = _manifest(two, "t-2")
    del document["related"]
    other.write_text(json.dumps(document))
    _run(two, "T-1")
    assert _manifest(two, "t-2")["related"] == ["demo:core:T-1"]


def test_a_rerun_goes_on_when_a_related_task_is_gone(two: Project) -> None:
    first = _run(two, "T-1", "--related-tasks", OTHER)
    (_task(two, "t-2") / "task-manifest.json").unlink()
    again = two.okstra("rerun", first.data["run_id"], "--render-only", "--json")
    assert again.status == 0, again
    assert OTHER not in Path(again.data["launch_prompt"]).read_text()


def test_a_damaged_related_task_is_a_warning_not_a_failure(two: Project) -> None:
    _run(two, "T-1", "--related-tasks", OTHER)
    path = _task(two, "t-2") / "task-manifest.json"
    path.write_text(json.dumps({**_manifest(two, "t-2"), "related": [3]}))
    prepared = _run(two, "T-1")
    assert prepared.status == 0
    assert str(path) in " ".join(prepared.data["warnings"])
    assert _manifest(two, "t-1")["phases"]["error-analysis"]["runs"] == 2
    assert _run(two, "T-2").status == 65
