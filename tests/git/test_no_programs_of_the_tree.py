"""okstra's own git on a tree that a worker has touched runs nothing that the tree names, and overlooks no submodule."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from okstra_ctl import git
from okstra_ctl.git import tree_hooks
from support.okstra import Project
from support.plans import independent
from support.repos import Repo


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    return tmp_path / "ran"


def program(path: Path, ran: Path) -> Path:
    """A program that leaves a file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {path.name} >>{shlex.quote(str(ran))}\n")
    path.chmod(0o755)
    return path


def nested(repo: Repo) -> Repo:
    """A repository inside the tree, committed as a submodule without an entry in `.gitmodules`."""
    inside = Repo.init(repo.path / "inside", repo.environment)
    repo.git("-c", "advice.addEmbeddedRepo=false", "add", "inside")
    repo.git("commit", "--quiet", "-m", "inside")
    return inside


def test_a_file_system_monitor_of_a_repository_inside_the_tree_is_not_started(repo: Repo, ran: Path) -> None:
    inside = nested(repo)
    inside.git("config", "core.fsmonitor", str(program(repo.path.parent / "monitor", ran)))
    (inside.path / "README.md").write_text("edited\n")
    assert git.dirty_files(str(repo.path)) == ["inside"]
    assert not ran.exists()
    repo.git("status")
    assert ran.exists()  # else this proves nothing


def test_a_merge_of_okstras_runs_no_hook_that_it_brings(project: Project, ran: Path) -> None:
    project.repo.git("config", "core.hooksPath", ".husky")
    project.adopt(independent(1))
    run = project.run_stage()
    at = Path(run.data["worktree"]["path"])
    for name in ("post-merge", "reference-transaction", "post-index-change"):
        program(at / ".husky" / name, ran)
    quiet = Repo(at, {**project.repo.environment, "GIT_CONFIG_PARAMETERS": "'core.hooksPath'='/dev/null'"})
    quiet.git("add", "--all")
    quiet.git("commit", "--quiet", "-m", "feat: hooks")
    done = project.okstra("stage", "done", "--run", run.data["run_id"], "--out-of-plan", "hooks", "--json")
    assert done.status == 0, done
    project.okstra.ok("integrate", "--task-key", project.task_key)
    assert not ran.exists()
    Repo(at, project.repo.environment).git("checkout", "--quiet", "--detach")
    assert ran.exists()  # else this proves nothing


@pytest.mark.parametrize("by", ["setting", "gitmodules"])
def test_a_submodule_that_is_set_to_be_ignored_is_named_among_changed_files(repo: Repo, by: str) -> None:
    inside = nested(repo)
    base = repo.git("rev-parse", "HEAD")
    if by == "gitmodules":
        repo.commit({".gitmodules": '[submodule "inside"]\n\tpath = inside\n\turl = ./x\n\tignore = all\n'})
    inside.commit({"more.txt": "more\n"})
    repo.git("update-index", "--cacheinfo", f"160000,{inside.git('rev-parse', 'HEAD')},inside")
    repo.git("commit", "--quiet", "--allow-empty", "-m", "a newer one")
    if by == "setting":
        repo.git("config", "diff.ignoreSubmodules", "all")
    assert "inside" not in repo.git("diff", "--name-only", base, "HEAD")
    assert "inside" in git.changed_files(str(repo.path), base, "HEAD")


# Hooks that lie in the tree


@pytest.fixture
def hooked(repo: Repo, ran: Path) -> Repo:
    program(repo.path / ".husky" / "pre-push", ran)
    (repo.path / ".gitignore").write_text(".husky/_\n")
    repo.commit({"a.txt": "a\n"})
    program(repo.path / ".husky" / "_" / "pre-push", ran)
    repo.git("config", "core.hooksPath", ".husky/_")
    repo.git("worktree", "add", "--quiet", "-b", "work", "../work")
    program(repo.path.parent / "work" / ".husky" / "_" / "pre-push", ran)
    return repo


def changed(repo: Repo) -> list[str]:
    work = repo.path.parent / "work"
    head = repo.git("rev-parse", "work")
    return tree_hooks.changed_hooks(str(work), head, [repo.git("rev-parse", "main")], str(repo.path))


def test_hooks_as_in_the_base_and_the_main_checkout_are_no_change(hooked: Repo) -> None:
    assert changed(hooked) == []
    hooked.commit({"b.txt": "b\n"}, at=hooked.path.parent / "work")
    assert changed(hooked) == []


@pytest.mark.parametrize(
    ("name", "commits"),
    [(".husky/pre-push", True), (".husky/pre-push", False), (".husky/new", True), (".husky/new", False)],
)
def test_a_hook_that_the_base_does_not_have_is_named(hooked: Repo, ran: Path, name: str, commits: bool) -> None:
    at = hooked.path.parent / "work"
    (at / name).write_text("#!/bin/sh\necho other\n")
    if commits:
        hooked.git("-C", str(at), "add", "--all")
        hooked.git("-C", str(at), "commit", "--quiet", "-m", "hooks")
    assert changed(hooked) == [name]


def test_a_hook_that_is_not_tracked_is_compared_with_the_main_checkouts(hooked: Repo) -> None:
    path = hooked.path.parent / "work" / ".husky" / "_" / "pre-push"
    path.write_text("#!/bin/sh\necho other\n")
    assert changed(hooked) == [".husky/_/pre-push"]


def test_a_hook_that_was_switched_on_removed_or_linked_elsewhere_is_named(hooked: Repo) -> None:
    at = hooked.path.parent / "work"
    (at / ".husky" / "pre-push").chmod(0o644)
    assert changed(hooked) == [".husky/pre-push"]
    hooked.git("-C", str(at), "rm", "--quiet", "--force", ".husky/pre-push")
    hooked.git("-C", str(at), "commit", "--quiet", "-m", "no hook")
    assert changed(hooked) == [".husky/pre-push"]
    (at / ".husky" / "pre-commit").symlink_to("/bin/true")
    assert changed(hooked) == [".husky/pre-commit", ".husky/pre-push"]


@pytest.mark.parametrize("where", ["", "/elsewhere", "../hooks"])
def test_hooks_outside_of_the_tree_are_the_persons_own(hooked: Repo, where: str) -> None:
    hooked.git("config", "core.hooksPath", where) if where else hooked.git("config", "--unset", "core.hooksPath")
    (hooked.path.parent / "work" / ".husky" / "pre-push").write_text("other\n")
    assert changed(hooked) == []


def test_a_pipe_among_the_hooks_is_named_and_not_waited_for(hooked: Repo) -> None:

    os.mkfifo(hooked.path.parent / "work" / ".husky" / "pre-merge-commit")
    assert changed(hooked) == [".husky/pre-merge-commit"]
