"""`reconcile --rebuild` after the registry was lost: what stands in the worktrees survives it, and what comes next."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import invariants
from support.faults import Preload
from support.okstra import Project
from support.plans import independent
from support.repos import Repo

STAGE = f"{Project.task_key}#stage-1"


def lose_and_rebuild(project: Project) -> None:
    (project.home / "worktrees" / "registry.json").unlink()
    project.okstra.ok("reconcile", "--rebuild")


def test_a_stage_worktree_beside_its_branch_is_work_not_rubbish(project: Project) -> None:
    """A worker in the middle of a rebase, or on a detached HEAD."""
    project.adopt(independent(2))
    run = project.run_stage()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    at.git("checkout", "--quiet", "--detach")
    commit = at.commit({"detached.txt": "x\n"})
    (at.path / "unsaved.txt").write_text("unsaved\n")
    lose_and_rebuild(project)
    assert project.registry["stages"][STAGE]["status"] == "active"
    assert project.run_stage().data["stage"] == 2
    assert (at.path / "unsaved.txt").read_text() == "unsaved\n"
    assert at.git("rev-parse", "HEAD") == commit
    release = ("stage", "release", "--run", run.data["run_id"], "--json")
    assert project.okstra(*release).codes == ["worktree-dirty"]
    (at.path / "unsaved.txt").unlink()
    assert project.okstra(*release).codes == ["commits-unreachable"]
    at.git("checkout", "--quiet", "feat-t-1-s1")
    assert project.okstra(*release).status == 0


def test_a_task_worktree_beside_its_branch_is_work_not_rubbish(project: Project) -> None:
    run = project.run_phase()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    at.git("checkout", "--quiet", "--detach")
    commit = at.commit({"detached.txt": "x\n"})
    lose_and_rebuild(project)
    claim = project.registry["tasks"][project.task_key]
    assert (claim["status"], claim["branch"]) == ("active", "feat-t-1")
    again = project.run_phase()
    assert (again.status, again.data["worktree"]["status"]) == (0, "reused"), again
    assert at.git("rev-parse", "HEAD") == commit


KILLED_AT = {
    "its first file": ("open", "README.md", {"task": 1, "stage-1": 2}),
    "its branch": ("rename", "refs/heads/{branch}", {"task": 1, "stage-1": 1}),
    "the lock of its HEAD": ("open", "worktrees/{made}/HEAD.lock", {"task": 2, "stage-1": 2}),
    "its HEAD": ("rename", "worktrees/{made}/HEAD", {"task": 2, "stage-1": 2}),
}


@pytest.mark.parametrize("made", ["task", "stage-1"])
@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_half_made_worktree_is_undone(project: Project, tmp_path: Path, made: str, moment: str) -> None:
    preload = Preload.build(tmp_path)
    project.adopt(independent(1))
    call, on, at = KILLED_AT[moment]
    on = on.format(made=made, branch="feat-t-1" if made == "task" else "feat-t-1-s1")
    killed = project.okstra(*project.run_args(), **preload.environment(do="group", call=call, on=on, at=at[made]))
    assert killed.status == -9
    half_made = project.home / "worktrees" / "demo" / "core" / "t-1" / made
    assert half_made.is_dir()
    lose_and_rebuild(project)
    if made == "stage-1":  # nothing tells of it but git: the person is told, and has it removed
        found = project.okstra("reconcile", "--apply", "--json")
        assert found.status == 0, found
        for left in project.task_root.glob("runs/implementation/stage-1/*/*001*"):
            left.unlink()  # only the registry knew which run's files these are
    following = project.run_stage()
    assert following.status == 0, following
    assert following.data["stage"] == 1
    invariants.check(project)


def test_a_worktree_whose_index_was_removed_is_work_not_rubbish(project: Project) -> None:
    run = project.run_phase()
    at = Path(run.data["worktree"]["path"])
    (at / "unsaved.txt").write_text("unsaved\n")
    (project.repo.path / ".git" / "worktrees" / "task" / "index").unlink()
    lose_and_rebuild(project)
    assert project.registry["tasks"][project.task_key]["status"] == "active"
    project.run_phase()
    assert (at / "unsaved.txt").read_text() == "unsaved\n"
