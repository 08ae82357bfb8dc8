"""The prefix of a task's branch: what somebody says, else what the task is on record as, else by its first phase."""

from __future__ import annotations

import json

import pytest

from support.okstra import Ended, Project
from support.plans import independent

FLAGS = ("--render-only", "--json")


def begun(project: Project, task_type: str, *more: str) -> Ended:
    return project.okstra.ok(
        "run", "--task-key", project.task_key, "--task-type", task_type, *FLAGS, "--request=Do it.", *more
    )


def on_record(project: Project) -> str:
    manifest = json.loads((project.task_root / "task-manifest.json").read_text())
    return str(manifest["work_category"])


@pytest.mark.parametrize(
    ("task_type", "branch", "category"),
    [
        ("error-analysis", "fix-t-1", "bugfix"),
        ("improvement-discovery", "improve-t-1", "improvement"),
        ("requirements-discovery", "feat-t-1", "feature"),
        ("implementation-planning", "feat-t-1", "feature"),
    ],
)
def test_the_first_phase_says_it_where_nobody_does(
    project: Project, task_type: str, branch: str, category: str
) -> None:
    assert begun(project, task_type).data["worktree"]["branch"] == branch
    assert on_record(project) == category
    later = begun(project, "implementation-planning")
    assert (later.data["worktree"]["branch"], on_record(project)) == (branch, category)


def test_what_was_said_goes_before_the_phase(project: Project) -> None:
    assert begun(project, "error-analysis", "--work-category", "ops").data["worktree"]["branch"] == "ops-t-1"
    assert on_record(project) == "ops"


def test_what_is_on_record_goes_before_the_phase(project: Project) -> None:
    begun(project, "implementation-planning")
    project.okstra.ok("worktree", "remove", project.task_key, "--force")
    assert begun(project, "error-analysis").data["worktree"]["branch"] == "feat-t-1"


def test_a_task_whose_plan_was_taken_in_keeps_the_branch_that_its_stages_stem_from(project: Project) -> None:
    """Before its first run nobody has named a category."""
    project.adopt(independent(1))
    assert on_record(project) == ""
    assert project.run_stage().data["worktree"]["branch"] == "feat-t-1-s1"
    assert begun(project, "error-analysis").data["worktree"]["branch"] == "feat-t-1"
    assert on_record(project) == "feature"


def test_an_older_task_without_one_on_record_is_of_the_kind_that_its_branch_says(project: Project) -> None:
    project.adopt(independent(1))
    project.run_stage()
    path = project.task_root / "task-manifest.json"
    manifest = {**json.loads(path.read_text()), "work_category": ""}
    path.write_text(json.dumps(manifest))
    assert begun(project, "error-analysis").data["worktree"]["branch"] == "feat-t-1"
    assert on_record(project) == "feature"
