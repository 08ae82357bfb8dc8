"""The task worktree comes back where it was, with all that was in it; and the trash is emptied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support import invariants
from support.faults import eventually
from support.okstra import Project
from support.plans import independent
from support.repos import Repo

STAGE = f"{Project.task_key}#stage-1"
TASK = Project.task_key


def test_a_deleted_task_worktree_is_made_again_on_its_branch_with_its_commits(project: Project) -> None:
    run = project.run_phase()
    at = Path(run.data["worktree"]["path"])
    commit = project.repo.commit({"merged.txt": "merged\n"}, at=at)
    shutil.rmtree(at)
    again = project.run_phase()
    assert again.status == 0, again
    assert again.data["worktree"]["path"] == str(at)
    assert (at / "merged.txt").read_text() == "merged\n"
    assert project.repo.git("-C", str(at), "symbolic-ref", "--short", "HEAD") == "feat-t-1"
    assert project.repo.git("-C", str(at), "rev-parse", "HEAD") == commit
    invariants.check(project, worked_in={TASK}, commits=[commit])


def test_also_when_the_branchs_reflog_has_expired(project: Project) -> None:
    run = project.run_phase()
    at = Path(run.data["worktree"]["path"])
    commit = project.repo.commit({"merged.txt": "merged\n"}, at=at)
    project.repo.git("reflog", "expire", "--expire=now", "--all")
    shutil.rmtree(at)
    again = project.run_phase()
    assert again.status == 0, again
    assert project.repo.git("-C", str(at), "rev-parse", "HEAD") == commit


@pytest.mark.parametrize("stages", [0, 1])
def test_a_removed_task_worktree_is_made_again_and_the_task_goes_on(project: Project, stages: int) -> None:
    project.adopt(independent(3))
    if stages:
        first = project.run_stage()
        assert project.finish(first).status == 0
    else:
        assert project.run_phase().status == 0
    anchor = project.repo.git("rev-parse", "HEAD")
    project.repo.commit({"later.txt": "later\n"})
    project.okstra.ok("worktree", "remove", TASK, *([] if stages else ["--force"]))
    following = project.run_stage()
    assert following.status == 0, following
    assert following.data["stage"] == 1 + stages
    if stages:
        assert following.data["worktree"]["base_commit"] == anchor, "the anchor was forgotten"
    assert len(project.repo.worktree_paths()) == 3 + stages
    invariants.check(project, worked_in={STAGE, TASK}, left_branches={"feat-t-1-s1"})


def test_detached_commits_of_a_deleted_task_worktree_are_not_dropped(project: Project) -> None:
    run = project.run_phase()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    at.git("checkout", "--quiet", "--detach")
    commit = at.commit({"detached.txt": "x\n"})
    shutil.rmtree(at.path)
    again = project.run_phase()
    assert again.status == 0, again
    assert commit in project.repo.git("rev-list", "--all").split()


def test_a_trash_that_a_killed_process_left_is_emptied_by_the_next_run(project: Project) -> None:
    left = project.home / "worktrees" / ".trash" / "123-456" / "deep"
    left.mkdir(parents=True)
    (left / "file").write_text("x\n")
    assert project.run_phase().status == 0
    eventually(lambda: not (project.home / "worktrees" / ".trash" / "123-456").exists())
