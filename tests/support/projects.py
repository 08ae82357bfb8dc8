"""Projects for the git tests: registered in a repository of any shape, and played through."""

from __future__ import annotations

from collections.abc import Mapping

from . import invariants
from .okstra import Okstra, Project
from .plans import independent
from .repos import Repo


def registered(repo: Repo, environment: Mapping[str, str]) -> Project:
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    return Project(repo, okstra)


def play_a_stage(project: Project) -> None:
    """Prepares, works, finishes; prepares another and gives it back; removes the first one's worktree."""
    project.adopt(independent(2))
    first, second = project.run_stage(), project.run_stage()
    assert (first.status, second.status) == (0, 0), (first, second)
    invariants.check(project)
    finished = project.finish(first)
    assert finished.status == 0, finished
    project.okstra.ok("stage", "release", "--run", second.data["run_id"])
    project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
    invariants.check(project, left_branches={"feat-t-1-s1", "feat-t-1-s2"}, commits=[finished.data["head_commit"]])


def check_nothing_was_made(project: Project) -> None:
    assert len(project.repo.worktree_paths()) == 1
    assert project.repo.branches() <= {"main"}
    path = project.home / "worktrees" / "registry.json"
    if path.exists():
        assert project.registry["tasks"] == {} and project.registry["stages"] == {}
    assert not list((project.home / "worktrees").glob("*/*/*/*"))
