"""A stage done over: next number, same worktree, higher epoch; the earlier run can't finish any more."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.okstra import Project


def test_rerun_takes_the_next_number_in_the_same_worktree(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    first = project.run_stage()
    commit = project.work(first)
    second = project.okstra.ok("rerun", first.data["run_id"], "--render-only", "--json")
    assert second.data["run_id"].endswith("/stage-1/002")
    assert second.data["epoch"] == 2
    assert second.data["worktree"]["path"] == first.data["worktree"]["path"]
    assert project.repo.git("-C", second.data["worktree"]["path"], "rev-parse", "HEAD") == commit
    late = project.okstra("stage", "done", "--run", first.data["run_id"], "--json")
    assert (late.status, late.codes) == (3, ["stage-not-held"])
    assert project.okstra("stage", "done", "--run", second.data["run_id"]).status == 0
    assert [(row["status"], row["epoch"]) for row in project.ledger] == [("started", 1), ("started", 2), ("done", 2)]


def test_a_done_stage_can_be_done_over(project: Project) -> None:
    plan = project.adopt({1: ()})
    first = project.run_stage()
    assert project.finish(first).status == 0
    second = project.okstra.ok("rerun", first.data["run_id"], "--render-only", "--json")
    (stage,) = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert (stage["status"], stage["run_id"]) == ("reserved", second.data["run_id"])


def test_a_lost_worktree_is_made_again_on_its_branch(project: Project) -> None:
    project.adopt({1: ()})
    first = project.run_stage()
    commit = project.work(first)
    shutil.rmtree(first.data["worktree"]["path"])
    second = project.okstra.ok("rerun", first.data["run_id"], "--render-only", "--json")
    path = Path(second.data["worktree"]["path"])
    assert project.repo.git("-C", str(path), "rev-parse", "HEAD") == commit
    assert project.repo.git("-C", str(path), "symbolic-ref", "--short", "HEAD") == "feat-t-1-s1"
    assert project.repo.git("-C", str(path), "status", "--porcelain") == ""


def test_rerun_of_a_run_that_lost_its_stage_is_refused(project: Project) -> None:
    project.adopt({1: ()})
    first = project.run_stage()
    project.okstra.ok("stage", "release", "--run", first.data["run_id"])
    refused = project.okstra("rerun", first.data["run_id"], "--render-only", "--json")
    assert (refused.status, refused.codes) == (3, ["stage-not-held"])


def test_rerun_of_an_analysis_is_the_next_run_of_its_phase(project: Project) -> None:
    first = project.run_phase("error-analysis", "--directive", "look at the clock")
    second = project.okstra.ok("rerun", first.data["run_id"], "--render-only", "--json")
    assert second.data["run_id"] == "demo:core:T-1/error-analysis/002"
    assert "look at the clock" in Path(second.data["launch_prompt"]).read_text()
