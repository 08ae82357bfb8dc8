"""Projects with submodules, and in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support import invariants
from support.okstra import Okstra, Project
from support.plans import independent
from support.projects import play_a_stage, registered
from support.repos import Repo

LOCAL_CLONES = ("-c", "protocol.file.allow=always")


@pytest.fixture
def with_submodule(tmp_path: Path, repo: Repo) -> Repo:
    """A repository with the submodule `libs/part`, cloned with it initialised; the submodule's origin is gone."""
    origin = Repo.init(tmp_path / "part.origin", repo.environment)
    origin.commit({"part.txt": "part\n"})
    repo.git(*LOCAL_CLONES, "submodule", "--quiet", "add", "--name", "the part", str(origin.path), "libs/part")
    repo.commit({"top.txt": "top\n"}, "Add the part")
    shutil.move(origin.path, tmp_path / "part.gone")
    return repo


def test_a_project_inside_a_submodule(with_submodule: Repo) -> None:
    inside = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    inside.git("config", "user.name", "Test")
    inside.git("config", "user.email", "test@example.invalid")
    project = registered(inside, with_submodule.environment)
    play_a_stage(project)
    assert with_submodule.branches() == {"main"}
    assert len(with_submodule.worktree_paths()) == 1


def test_from_a_linked_worktree_of_a_submodule_the_submodules_project_is_meant(
    with_submodule: Repo, tmp_path: Path
) -> None:
    outer = registered(with_submodule, with_submodule.environment)
    inside = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    inside.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked part"))
    here = tmp_path / "linked part"
    call = (
        "run",
        "--task-group",
        "g",
        "--task-id",
        "i",
        "--task-type",
        "error-analysis",
        "--request=Do it.",
        "--dry-run",
        "--json",
    )
    Okstra(inside.environment, inside.path).ok("setup", "--project-id", "part", "--yes")
    assert outer.okstra.ok(*call, cwd=here).data["run_id"] == "part:g:i/error-analysis/001"


def test_an_initialised_submodule_is_there_in_the_worktree_without_network(with_submodule: Repo) -> None:
    part = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    url = part.git("config", "remote.origin.url")
    local = part.commit({"local.txt": "never pushed\n"})
    with_submodule.commit({}, "Move the part on")
    assert not Path(url).exists()
    settings = with_submodule.git("config", "--list", "--local")
    project = registered(with_submodule, with_submodule.environment)
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    inside = Repo(Path(run.data["worktree"]["path"]) / "libs" / "part", with_submodule.environment)
    assert (inside.path / "local.txt").read_text() == "never pushed\n"
    assert inside.git("rev-parse", "HEAD") == local
    assert inside.git("config", "remote.origin.url") == url
    assert with_submodule.git("config", "--list", "--local") == settings
    invariants.check(project)


def test_a_submodule_in_a_submodule_is_there_too(with_submodule: Repo, tmp_path: Path) -> None:
    deep = Repo.init(tmp_path / "deep.origin", with_submodule.environment)
    part = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    part.git(*LOCAL_CLONES, "submodule", "--quiet", "add", str(deep.path), "deep")
    part.commit({}, "Add the deep one")
    with_submodule.commit({}, "Move the part on")
    shutil.move(deep.path, tmp_path / "deep.gone")
    project = registered(with_submodule, with_submodule.environment)
    run = project.run_phase()
    assert run.status == 0, run
    assert (Path(run.data["worktree"]["path"]) / "libs/part/deep/README.md").is_file()


def test_a_submodule_that_main_has_not_initialised_stays_out(with_submodule: Repo) -> None:
    with_submodule.git("submodule", "--quiet", "deinit", "--force", "libs/part")
    project = registered(with_submodule, with_submodule.environment)
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    assert list((Path(run.data["worktree"]["path"]) / "libs" / "part").iterdir()) == []


@pytest.fixture
def with_part(project: Project, tmp_path: Path) -> Project:
    """A project with the submodule `part`, and a plan."""
    origin = Repo.init(tmp_path / "part.origin", project.repo.environment)
    project.repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(origin.path), "part")
    project.repo.commit({}, "Add the part")
    project.adopt(independent(1))
    return project


def test_work_in_a_submodule_of_the_worktree_is_refused_or_kept(with_part: Project) -> None:
    """A worktree's submodules keep their repositories in git's folder of that worktree: they go with it."""
    project = with_part
    run = project.run_stage()
    release = ("stage", "release", "--run", run.data["run_id"], "--json")
    at = Path(run.data["worktree"]["path"])
    commit = project.repo.commit({"precious.txt": "precious\n"}, at=at / "part")
    project.repo.commit({}, "Move the part on", at=at)
    refused = project.okstra(*release)
    assert (refused.status, refused.codes) == (3, ["commits-unreachable"]), refused
    assert "part" in refused.envelope["errors"][0]["message"]
    (at / "part" / "unsaved.txt").write_text("unsaved\n")
    refused = project.okstra(*release)
    assert (refused.status, refused.codes) == (3, ["worktree-dirty"]), refused
    assert "part/unsaved.txt" in refused.envelope["errors"][0]["message"]
    assert project.repo.git("-C", str(at / "part"), "rev-parse", "HEAD") == commit
    assert project.okstra(*release, "--force").status == 0
    main_part = Repo(project.repo.path / "part", project.repo.environment)
    kept = set(main_part.git("for-each-ref", "--format=%(refname)", "refs/okstra/kept").split())
    assert commit in main_part.git("rev-list", *kept).split()
    assert "unsaved" in [main_part.git("show", f"{ref}:unsaved.txt", check=False) for ref in kept]


def test_an_untouched_submodule_does_not_hold_the_worktree(with_part: Project) -> None:
    """Its commit may stand on no branch and no remote: the main worktree's copy has it."""
    part = Repo(with_part.repo.path / "part", with_part.repo.environment)
    part.git("checkout", "--quiet", "--detach")
    part.commit({"local.txt": "local\n"})
    with_part.repo.commit({}, "Move the part on")
    run = with_part.run_stage()
    ended = with_part.okstra("stage", "release", "--run", run.data["run_id"], "--json")
    assert (ended.status, ended.data["kept"]) == (0, ""), ended
