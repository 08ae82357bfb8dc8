"""A stage's life through the real commands: taken, worked on, done, given back."""

from __future__ import annotations

from pathlib import Path

from support.okstra import Project


def test_two_runs_take_different_stages_and_separate_folders(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    first, second = project.run_stage(), project.run_stage()
    assert (first.data["stage"], second.data["stage"]) == (1, 2)
    assert Path(first.data["run_dir"]).name == "stage-1"
    assert Path(second.data["run_dir"]).name == "stage-2"
    assert [row["stage"] for row in project.ledger] == [1, 2]


def test_a_third_run_is_refused_with_the_reason(project: Project) -> None:
    project.adopt({1: ()})
    assert project.run_stage().status == 0
    refused = project.run_stage()
    assert refused.status == 3
    assert refused.codes == ["no-stage-ready"]
    message = refused.envelope["errors"][0]["message"]
    assert "stage 1 is reserved by run demo:core:T-1/implementation/stage-1/001" in message


def test_a_stage_with_two_dependencies_waits_for_the_merge(project: Project) -> None:
    plan = project.adopt({1: (), 2: (), 3: (1, 2)})
    first, second = project.run_stage(), project.run_stage()
    assert project.run_stage("3").codes == ["stage-blocked"]
    for run in (first, second):
        assert project.finish(run).status == 0
    unmerged = project.run_stage("3")
    assert unmerged.codes == ["stage-unmerged"]
    assert "not merged into the task branch" in unmerged.envelope["errors"][0]["message"]
    task = Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip())
    for run in (first, second):
        project.repo.git(
            "-C",
            str(task),
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@e",
            "merge",
            "-q",
            "--no-edit",
            run.data["worktree"]["branch"],
        )
    third = project.run_stage()
    assert third.data["stage"] == 3
    assert third.data["worktree"]["base_commit"] == project.repo.git("-C", str(task), "rev-parse", "HEAD")
    stages = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert [stage["status"] for stage in stages] == ["done", "done", "reserved"]


def test_one_dependency_gives_its_done_commit_as_base(project: Project) -> None:
    project.adopt({1: (), 2: (1,)})
    first = project.run_stage()
    commit = project.work(first)
    assert project.okstra("stage", "done", "--run", first.data["run_id"]).status == 0
    assert project.run_stage().data["worktree"]["base_commit"] == commit


def test_a_released_stage_can_be_taken_again_and_keeps_its_branch(project: Project) -> None:
    project.adopt({1: ()})
    first = project.run_stage()
    commit = project.work(first)
    freed = project.okstra.ok("stage", "release", "--run", first.data["run_id"], "--json")
    assert freed.data["branch"] == "feat-t-1-s1"
    second = project.run_stage()
    assert second.data["epoch"] == 2
    assert second.data["run_id"].endswith("/stage-1/002")
    assert second.data["worktree"]["branch"] == "feat-t-1-s1-e2"
    assert project.repo.git("rev-parse", "feat-t-1-s1") == commit
    late = project.okstra("stage", "done", "--run", first.data["run_id"], "--json")
    assert (late.status, late.codes) == (3, ["stage-not-held"])


def test_a_stage_gets_a_higher_epoch_than_registry_and_ledger_know_of(project: Project) -> None:
    """A registry that was brought back from a backup must not give an epoch a second time."""
    project.adopt({1: ()})
    first = project.run_stage()
    project.okstra.ok("stage", "release", "--run", first.data["run_id"])
    backup = (project.home / "worktrees" / "registry.json").read_bytes()
    second = project.run_stage()
    project.okstra.ok("stage", "release", "--run", second.data["run_id"])
    (project.home / "worktrees" / "registry.json").write_bytes(backup)
    third = project.run_stage()
    assert [run.data["epoch"] for run in (first, second, third)] == [1, 2, 3]
    again = project.okstra.ok("rerun", third.data["run_id"], "--render-only", "--json")
    assert again.data["epoch"] == 4
