"""Repositories of every shape that git knows, and any name: right, or a clear error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support import invariants
from support.okstra import Project
from support.plans import independent
from support.projects import check_nothing_was_made, play_a_stage, registered
from support.repos import Repo
from support.sealed import sealed_environment


def test_without_a_commit_it_says_to_commit_once(tmp_path: Path, environment: dict[str, str]) -> None:
    project = registered(Repo.init(tmp_path / "project", environment, commit=False), environment)
    refused = project.run_phase()
    assert (refused.status, refused.codes) == (3, ["no-commits-yet"])
    assert "git commit" in refused.envelope["errors"][0]["try"]
    project.adopt(independent(1))
    assert project.run_stage().codes == ["no-commits-yet"]
    assert not (project.home / "worktrees" / "registry.json").exists()
    assert not (project.repo.path / ".git" / "worktrees").exists()
    project.repo.commit({"a.txt": "a\n"})
    assert project.run_stage().status == 0


def test_a_detached_head_is_the_base(project: Project) -> None:
    project.repo.git("checkout", "--quiet", "--detach")
    commit = project.repo.commit({"detached.txt": "x\n"})
    main = project.repo.git("rev-parse", "main")
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.data["worktree"]["base_commit"] == commit != main
    assert project.repo.git("rev-parse", "HEAD", "main").split() == [commit, main]
    assert project.repo.git("symbolic-ref", "--quiet", "HEAD", check=False) == ""
    invariants.check(project)


def test_a_linked_worktree_as_project_gets_no_worktree_of_its_own(tmp_path: Path, repo: Repo) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", repo.environment)
    project = registered(linked, repo.environment)
    linked.commit({}, "Register the project")
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.data["worktree"]["status"] == "skipped-nested", run
    assert run.data["worktree"]["path"] == str(linked.path)
    assert run.data["worktree"]["branch"] == ""
    assert [(row["stage"], row["status"]) for row in project.ledger] == [(1, "started")]
    refused = project.run_stage("1")
    assert (refused.status, refused.codes) == (3, ["stage-reserved"])
    assert project.run_stage().codes == ["no-stage-ready"]
    assert project.run_phase().data["worktree"]["status"] == "skipped-nested"
    assert len(repo.worktree_paths()) == 2
    assert repo.branches() == {"main", "side"}
    assert project.finish(run).status == 0
    assert [row["status"] for row in project.ledger] == ["started", "done"]


def test_a_linked_worktree_of_a_bare_repository_is_the_normal_place(tmp_path: Path, repo: Repo) -> None:
    place = tmp_path / "place"
    place.mkdir()
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(place / ".bare"))
    (place / ".git").write_text("gitdir: ./.bare\n")
    Repo(place, repo.environment).git("worktree", "add", "--quiet", str(place / "main"), "main")
    project = registered(Repo(place / "main", repo.environment), repo.environment)
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.data["worktree"]["status"] == "created", run
    assert Path(run.data["worktree"]["path"], "README.md").is_file()
    assert {"feat-t-1", "feat-t-1-s1"} <= project.repo.branches()
    assert project.finish(run).status == 0
    project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
    assert project.repo.git("worktree", "list", "--porcelain").count("stage-1") == 0


def test_a_separate_git_dir(tmp_path: Path, repo: Repo) -> None:
    git_dir = tmp_path / "elsewhere" / "repository.git"
    git_dir.parent.mkdir()
    repo.git("clone", "--quiet", "--separate-git-dir", str(git_dir), str(repo.path), str(tmp_path / "separate"))
    separate = Repo(tmp_path / "separate", repo.environment)
    assert (separate.path / ".git").is_file()
    project = registered(separate, repo.environment)
    play_a_stage(project)
    assert not (separate.path / ".git").is_dir()


@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_sparse_checkout_is_carried_over(project: Project, cone: str) -> None:
    project.repo.commit({"src/a.py": "a\n", "docs/b.md": "b\n", "stage-1/keep.txt": "k\n"})
    project.repo.git("sparse-checkout", "set", cone, "src", "stage-1", ".okstra")
    project.adopt(independent(1))
    run = project.run_stage()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    assert (at.path / "src" / "a.py").is_file()
    assert not (at.path / "docs").exists()
    assert at.git("sparse-checkout", "list") == project.repo.git("sparse-checkout", "list")
    finished = project.finish(run)
    assert finished.status == 0, finished
    assert project.repo.git("ls-tree", "--name-only", finished.data["head_commit"], "docs/") == "docs/b.md"


def test_a_dirty_main_worktree_is_left_alone_and_not_copied(project: Project) -> None:
    project.repo.commit({"a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n"})
    project.adopt(independent(1))
    (project.repo.path / "a.txt").write_text("changed\n")
    (project.repo.path / "b.txt").write_text("staged\n")
    project.repo.git("add", "b.txt")
    (project.repo.path / "c.txt").unlink()
    (project.repo.path / "new.txt").write_text("new\n")
    before = project.repo.git("status", "--porcelain=v2", "--untracked-files=all")
    run = project.run_stage()
    at = Path(run.data["worktree"]["path"])
    assert [(at / name).read_text() for name in ("a.txt", "b.txt", "c.txt")] == ["a\n", "b\n", "c\n"]
    assert not (at / "new.txt").exists()
    assert project.repo.git("status", "--porcelain=v2", "--untracked-files=all") == before


def test_a_lock_that_another_git_left_on_the_main_index_is_not_touched(project: Project) -> None:
    lock = project.repo.path / ".git" / "index.lock"
    lock.touch()
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    assert project.finish(run).status == 0
    project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
    assert lock.exists()


@pytest.mark.parametrize("name", ["feat-t-1-s1", "feat-t-1"])
def test_a_branch_that_exists_is_never_moved(project: Project, name: str) -> None:
    project.repo.commit({}, "Register the project")
    project.repo.git("checkout", "--quiet", "-b", name)
    theirs = project.repo.commit({"theirs.txt": "x\n"})
    project.repo.git("checkout", "--quiet", "main")
    project.adopt(independent(1))
    refused = project.run_stage()
    assert (refused.status, refused.codes) == (3, ["branch-exists"])
    assert name in refused.envelope["errors"][0]["message"]
    assert project.repo.git("rev-parse", name) == theirs
    invariants.check(project, left_branches={name})
    assert project.registry["stages"] == {}
    assert project.ledger == []
    project.repo.git("branch", "-m", name, "theirs")
    assert project.run_stage().status == 0


def test_a_branch_below_the_name_is_a_clear_error(project: Project) -> None:
    project.repo.git("branch", "feat-t-1-s1/theirs")
    project.adopt(independent(1))
    refused = project.run_stage()
    assert (refused.status, refused.codes) == (3, ["branch-exists"]), refused
    assert "feat-t-1-s1/theirs" in refused.stdout
    invariants.check(project, left_branches={"feat-t-1-s1/theirs"})
    assert project.registry["stages"] == {}


def test_a_base_ref_that_does_not_exist_leaves_nothing(project: Project) -> None:
    refused = project.run_phase("error-analysis", "--base-ref", "no-such-ref")
    assert (refused.status, refused.codes) == (2, ["bad-ref"])
    assert "no-such-ref" in refused.envelope["errors"][0]["message"]
    check_nothing_was_made(project)
    refused = project.run_phase("error-analysis", "--base-ref", "--all")
    assert (refused.status, refused.codes[0]) in {(2, "bad-ref"), (2, "usage")}
    check_nothing_was_made(project)


def test_a_base_ref_is_where_the_task_begins(project: Project) -> None:
    project.repo.git("tag", "-a", "-m", "one", "v1")
    old = project.repo.git("rev-parse", "HEAD")
    project.repo.commit({"later.txt": "later\n"})
    run = project.run_phase("error-analysis", "--base-ref", "v1")
    assert run.data["worktree"]["base_commit"] == old
    assert not (Path(run.data["worktree"]["path"]) / "later.txt").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_refused_with_gits_advice(project: Project) -> None:
    for path in (project.repo.path, project.repo.path / ".git"):
        os.chown(path, 12345, 12345)
    refused = project.run_phase()
    assert (refused.status, refused.codes) == (1, ["git-failed"])
    assert "safe.directory" in refused.envelope["errors"][0]["message"]
    for path in (project.repo.path, project.repo.path / ".git"):
        os.chown(path, 0, 0)
    check_nothing_was_made(project)


# Names


@pytest.mark.parametrize(
    "name",
    ["a b", "한글 폴더", "quo'te\"s", "new\nline", "-rf", "$(touch pwned)", "back\\slash", "*glob?"],
)
def test_any_name_of_the_project_and_of_the_home(tmp_path: Path, name: str) -> None:
    home = tmp_path / "h" / name
    home.mkdir(parents=True)
    environment = sealed_environment(home)
    project = registered(Repo.init(tmp_path / "p" / name, environment), environment)
    play_a_stage(project)
    assert not list(tmp_path.rglob("pwned"))
    listed = project.okstra.ok("worktree", "list", "--json").data["worktrees"]
    assert [row["path"] for row in listed] == [str(home / ".okstra/worktrees/demo/core/t-1/task")]


def test_a_relative_home_with_a_leading_dash(tmp_path: Path, repo: Repo) -> None:
    project = registered(repo, {**repo.environment, "OKSTRA_HOME": "-home"})
    run = project.run_phase()
    assert run.status == 0, run
    assert run.data["worktree"]["path"] == str(repo.path / "-home/worktrees/demo/core/t-1/task")
