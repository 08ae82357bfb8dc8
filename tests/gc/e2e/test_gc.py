"""gc: verdicts with proofs; nothing that was made in a worktree is lost by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.okstra import Ended, Project


def _verdicts(ended: Ended) -> dict[str, str]:
    worktrees: list[dict[str, Any]] = ended.data["worktrees"]
    return {row["key"].rsplit("#")[-1]: row["verdict"] for row in worktrees}


def _merge(project: Project, *runs: Ended) -> None:
    task = project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip()
    for run in runs:
        branch = run.data["worktree"]["branch"]
        project.repo.git("-C", task, "-c", "user.name=T", "-c", "user.email=t@e", "merge", "-q", "--no-edit", branch)


def test_verdicts_and_the_default_removes_what_is_merged(project: Project) -> None:
    project.adopt({1: (), 2: (), 3: ()})
    first, second, _held = project.run_stage(), project.run_stage(), project.run_stage()
    assert project.finish(first).status == project.finish(second).status == 0
    _merge(project, first)
    seen = project.okstra.ok("gc", "--dry-run", "--json")
    assert _verdicts(seen) == {"stage-1": "merged", "stage-2": "saved", "stage-3": "held", project.task_key: "held"}
    assert Path(first.data["worktree"]["path"]).is_dir()
    swept = project.okstra.ok("gc", "--json")
    assert [row["key"] for row in swept.data["removed"]] == [f"{project.task_key}#stage-1"]
    assert not Path(first.data["worktree"]["path"]).exists()
    assert Path(second.data["worktree"]["path"]).is_dir()


def test_max_zero_removes_all_that_is_safe_and_restore_brings_unsaved_work_back(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    assert project.finish(run).status == 0
    path = Path(run.data["worktree"]["path"])
    (path / "notes.txt").write_text("untracked\n")
    (path / "README.md").write_text("changed\n")
    (path / "stage-1" / "it.py").unlink()
    swept = project.okstra.ok("gc", "--max", "0", "--json")
    kept = {row["key"]: row["kept"] for row in swept.data["removed"]}
    ref = kept[f"{project.task_key}#stage-1"]
    assert project.repo.git("show", f"{ref}:notes.txt") == "untracked"
    assert not path.exists()
    back = project.okstra.ok("worktree", "restore", f"{project.task_key}#stage-1", "--json")
    assert Path(back.data["path"]) == path
    assert (path / "notes.txt").read_text() == "untracked\n"
    assert (path / "README.md").read_text() == "changed\n"
    assert not (path / "stage-1" / "it.py").exists()
    assert project.repo.git("-C", str(path), "symbolic-ref", "--short", "HEAD") == run.data["worktree"]["branch"]


def test_below_the_budget_what_is_merged_goes_and_what_only_its_branch_keeps_stays(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    first, second = project.run_stage(), project.run_stage()
    assert project.finish(first).status == project.finish(second).status == 0
    _merge(project, first)
    swept = project.okstra.ok("gc", "--max", "20G", "--json")
    assert _verdicts(swept)["stage-2"] == "saved"
    assert [row["key"] for row in swept.data["removed"]] == [f"{project.task_key}#stage-1"]


def test_a_worktree_whose_head_left_its_branch_is_never_removed(project: Project) -> None:
    """Also where main has all its commits: what HEAD is on now is somebody's doing, and no proof of okstra's."""
    project.adopt({1: ()})
    run = project.run_stage()
    assert project.finish(run).status == 0
    path = Path(run.data["worktree"]["path"])
    for switch in (("checkout", "--quiet", "--detach"), ("checkout", "--quiet", "-b", "elsewhere")):
        project.repo.git("-C", str(path), *switch)
        swept = project.okstra.ok("gc", "--max", "0", "--json")
        assert _verdicts(swept)["stage-1"] == "unknown"
        assert f"{project.task_key}#stage-1" not in [row["key"] for row in swept.data["removed"]]
        assert path.is_dir()


def test_its_own_branch_is_no_proof_that_it_is_merged(project: Project) -> None:
    """The main checkout can be put on a task's branch behind git's back: that branch holds its commits anyway."""
    project.adopt({1: ()})
    run = project.run_stage()
    assert project.finish(run).status == 0
    project.repo.git("symbolic-ref", "HEAD", f"refs/heads/{run.data['worktree']['branch']}")
    seen = project.okstra.ok("gc", "--dry-run", "--json")
    assert _verdicts(seen)["stage-1"] == "saved"
    project.repo.git("symbolic-ref", "HEAD", "refs/heads/main")


def test_a_task_whose_stages_are_all_done_is_busy_no_more(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    assert project.okstra.ok("gc", "--dry-run", "--json").data["worktrees"][0]["proof"].startswith("stage 1 is in work")
    assert project.finish(run).status == 0
    _merge(project, run)
    seen = project.okstra.ok("gc", "--dry-run", "--json")
    assert _verdicts(seen) == {"stage-1": "merged", project.task_key: "saved"}
    project.repo.git("merge", "--quiet", "--no-edit", "feat-t-1")
    swept = project.okstra.ok("gc", "--json")
    assert {row["key"] for row in swept.data["removed"]} == {project.task_key, f"{project.task_key}#stage-1"}


def test_a_size_that_is_none_is_refused(project: Project) -> None:
    assert project.okstra("gc", "--max", "much", "--json").codes == ["usage"]
