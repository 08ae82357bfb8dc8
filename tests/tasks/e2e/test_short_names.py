"""Tasks, runs and plans by the short names that people type."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.led_phases import analysed
from support.okstra import Ended, Project
from support.plans import independent


def shown(ended: Ended) -> str:
    assert ended.status == 0, ended
    return str(ended.data["manifest"]["run_id"])


def test_a_run_is_named_by_its_task_its_phase_and_its_number(project: Project) -> None:
    first = analysed(project).data["run_id"]
    second = project.run_phase("error-analysis").data["run_id"]
    other = project.run_phase("requirements-discovery").data["run_id"]
    for task in ("T-1", "t-1", "core:T-1", project.task_key):
        for name, run in (
            (task, other),
            (f"{task}/analysis", second),
            (f"{task}/error-analysis", second),
            (f"{task}/analysis/1", first),
            (f"{task}/discovery", other),
        ):
            assert shown(project.okstra("show", name, "--json")) == run, name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("T-2", "task-unknown"),
        ("other:T-1", "task-unknown"),
        ("T-1/planning", "not-found"),
        ("T-1/stage-1", "not-found"),
        ("T-1/analysis/9", "not-found"),
        ("T-1/thinking", "bad-identity"),
        ("T-1/analysis/x", "bad-identity"),
        ("T-1/analysis/1/2", "bad-identity"),
        ("/", "task-unknown"),
        ("..", "task-unknown"),
        ("a:b:c:d/..", "bad-identity"),
    ],
)
def test_what_is_no_run_is_named(project: Project, name: str, code: str) -> None:
    analysed(project)
    refused = project.okstra("show", name, "--json")
    assert (refused.status, refused.codes) == (2, [code]), refused


def test_a_led_run_ends_with_the_next_step_by_the_shortest_name(project: Project) -> None:
    line = ("run", "--task-type", "error-analysis", "--provider", "rehearsal", "--yes", "--request", "It breaks")
    first = project.okstra.ok(*line, "--task-key", "demo:core:T-1").stdout
    assert first.rstrip().endswith("next     okstra next T-1")
    second = project.okstra.ok(*line, "--task-key", "demo:extra:T-1", "--work-category", "feature").stdout
    assert second.rstrip().endswith("next     okstra next demo:extra:T-1")
    for name in ("T-1", "extra:T-1"):
        assert project.okstra("next", name).status == (2 if name == "T-1" else 0)


def test_a_task_of_two_groups_must_be_named_with_one(project: Project) -> None:
    project.run_phase("error-analysis")
    words = ("--task-key", "demo:extra:T-1", "--task-type", "error-analysis", "--render-only", "--json")
    project.okstra.ok("run", *words, *project.brief_for("error-analysis"))
    refused = project.okstra("show", "T-1", "--json")
    assert (refused.status, refused.codes) == (2, ["task-ambiguous"])
    assert "demo:core:T-1" in refused.envelope["errors"][0]["message"]
    assert shown(project.okstra("show", "extra:T-1", "--json")) == "demo:extra:T-1/error-analysis/001"


def test_a_dot_is_the_task_of_the_worktree_in_which_one_stands(project: Project) -> None:
    project.adopt(independent(2))
    stage = project.run_stage("2").data
    folder = Path(stage["worktree"]["path"])
    (folder / "deep").mkdir()
    for place in (folder, folder / "deep"):
        assert shown(project.okstra("show", "./stage-2", "--json", cwd=place)) == stage["run_id"]
    assert project.okstra("history", ".", "--json").codes == ["task-unknown"]


def test_a_plan_is_named_by_its_task_and_a_file_stays_a_file(project: Project) -> None:
    plan = project.adopt(independent(1))
    for words in (("plan", "check", "T-1"), ("plan", "show", "core:T-1"), ("stage", "list", "T-1")):
        assert project.okstra(*words).status == 0
    assert project.okstra.ok("plan", "check", "T-1", "--json").data["plan"] == plan
    (project.repo.path / "T-1").write_text("no plan")
    assert project.okstra("plan", "check", "T-1", "--json").data["plan"] == "T-1"
    assert project.okstra("plan", "check", "nothing.md", "--json").codes == ["not-found"]


def test_places_are_named_with_their_stage(project: Project) -> None:
    project.adopt(independent(1))
    stage = project.run_stage("1").data
    found = project.okstra.ok("worktree", "lookup", "T-1#stage-1", "--json").data
    assert found["path"] == stage["worktree"]["path"]


def test_a_new_task_needs_its_whole_key(project: Project) -> None:
    words = ("--task-key", "NEW-1", "--task-type", "error-analysis", "--render-only", "--json")
    assert project.okstra("run", *words, *project.brief_for("error-analysis")).codes == ["task-unknown"]


def test_outside_of_a_project_only_whole_names_count(project: Project, tmp_path: Path) -> None:
    run = analysed(project).data["run_id"]
    assert project.okstra("show", "T-1", "--json", cwd=tmp_path).codes == ["bad-identity"]
    assert shown(project.okstra("show", run, "--json", cwd=tmp_path)) == run
