"""What is around a project: git or none, a home that can't be, settings and variables that work against it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from support import invariants
from support.okstra import Project
from support.phases import TASK_TYPES
from support.plans import independent
from support.projects import check_nothing_was_made, registered
from support.repos import Repo

# No repository, no git


def test_without_git_every_phase_works_in_the_folder_itself(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    project = registered(Repo(folder, environment), environment)
    project.adopt(independent(2))
    apart = ("implementation", "release-handoff", "review")  # stages come below; the others need a repository
    for phase in (task_type for task_type in TASK_TYPES if task_type not in apart):
        run = project.run_phase(phase)
        assert run.status == 0, run
        assert run.data["worktree"]["status"] == "skipped-no-git"
        assert run.data["worktree"]["path"] == str(folder)
    stages = [project.run_stage(), project.run_stage()]
    assert [run.data["stage"] for run in stages] == [1, 2]
    assert project.run_stage().codes == ["no-stage-ready"]
    assert project.okstra("stage", "done", "--run", stages[0].data["run_id"]).status == 0
    project.okstra.ok("stage", "release", "--run", stages[1].data["run_id"])
    assert project.run_stage().data["stage"] == 2
    assert [row["status"] for row in project.ledger] == ["started", "started", "done", "released", "started"]


def path_without_git(folder: Path, environment: Mapping[str, str]) -> str:
    """A PATH that has what every machine has, and no git."""
    folder.mkdir()
    for name in ("bash", "sh", "env", "rm", "cp", "readlink", "dirname", "python3"):
        found = shutil.which(name, path=environment["PATH"])
        if found:
            (folder / name).symlink_to(found)
    return str(folder)


def test_a_git_project_without_git_on_the_path(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    path = path_without_git(tmp_path / "bin", project.okstra.environment)
    for call in (
        project.run_args(),
        ("run", "--task-key", project.task_key, "--task-type", "error-analysis", "--request=Do it.", "--json"),
    ):
        refused = project.okstra(*call, PATH=path)
        assert (refused.status, refused.codes) == (69, ["git-missing"]), refused
        assert "install git" in refused.envelope["errors"][0]["try"]
    check_nothing_was_made(project)


def test_a_plain_folder_needs_no_git_on_the_path(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    environment["PATH"] = path_without_git(tmp_path / "bin", environment)
    project = registered(Repo(folder, environment), environment)
    assert project.run_phase().data["worktree"]["status"] == "skipped-no-git"


# The home


@pytest.mark.parametrize("home", ["{file}/below", "/proc/okstra", "{file}"])
def test_a_home_that_can_not_be(project: Project, tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("")
    at = home.format(file=tmp_path / "file")
    refused = project.okstra(*project.run_args(), OKSTRA_HOME=at)
    assert (refused.status, refused.codes) == (69, ["home-not-writable"]), refused
    assert refused.envelope["errors"][0]["where"] == at
    assert "OKSTRA_HOME" in refused.envelope["errors"][0]["try"]
    assert len(project.repo.worktree_paths()) == 1


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_home(project: Project, tmp_path: Path) -> None:
    home = tmp_path / "locked"
    home.mkdir()
    home.chmod(0o500)
    refused = project.okstra(*project.run_args(), OKSTRA_HOME=str(home))
    assert (refused.status, refused.codes) == (69, ["home-not-writable"])


# Settings and variables that work against it


def hostile(repo: Repo, tmp_path: Path) -> None:
    """Settings that a person or an attacker can have put into `.git/config`."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit", "post-rewrite"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> '{tmp_path}/hook-ran'\nexit 1\n")
        (hooks / name).chmod(0o755)
    (tmp_path / "lying-monitor").write_text("#!/bin/sh\nprintf 'token\\0'\n")
    (tmp_path / "lying-monitor").chmod(0o755)
    for name, value in {
        "core.fsmonitor": str(tmp_path / "lying-monitor"),
        "checkout.defaultRemote": "nowhere",
        "commit.gpgSign": "true",
        "gpg.program": "false",
        "log.showSignature": "true",
        "status.showUntrackedFiles": "no",
        "status.relativePaths": "true",
        "core.quotePath": "true",
        "color.ui": "always",
        "diff.external": "false",
        "diff.ignoreSubmodules": "all",
        "core.untrackedCache": "true",
        "worktree.guessRemote": "true",
        "core.hooksPath": str(hooks),
    }.items():
        repo.git("config", name, value)


def test_hostile_settings_stop_nothing_and_hide_nothing(project: Project, tmp_path: Path) -> None:
    project.repo.commit({"tracked.txt": "1\n"})
    project.adopt(independent(2))
    hostile(project.repo, tmp_path)
    first, second = project.run_stage(), project.run_stage()
    assert (first.status, second.status) == (0, 0), (first, second)
    assert not (tmp_path / "hook-ran").exists()
    at = Path(first.data["worktree"]["path"])
    run = project.okstra
    done, release = ("stage", "done", "--run", first.data["run_id"], "--json"), ("stage", "release", "--json", "--run")
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")
    (at / "stage-1").mkdir()
    (at / "stage-1" / "한 it.py").write_text("x\n")
    assert run(*done).codes == ["worktree-dirty"], "an untracked file was not seen"
    for call in (("add", "--all"), ("commit", "--quiet", "-m", "work"), ("status",)):
        Repo(at, project.repo.environment).git(*quiet, *call)
    (at / "tracked.txt").write_text("changed behind a monitor that says nothing changed\n")
    assert run(*done).codes == ["worktree-dirty"], "a changed file was not seen"
    assert run(*release, first.data["run_id"]).codes == ["worktree-dirty"]
    freed = run(*release, first.data["run_id"], "--force")
    assert freed.status == 0, freed
    kept = project.repo.git("show", f"{freed.data['kept']}:tracked.txt")
    assert kept == "changed behind a monitor that says nothing changed"
    assert run(*release, second.data["run_id"]).status == 0


def test_ignored_by_the_persons_excludes_file_counts_as_ignored(project: Project, tmp_path: Path) -> None:
    (tmp_path / "excludes").write_text("*.log\n")
    project.repo.git("config", "core.excludesFile", str(tmp_path / "excludes"))
    project.adopt(independent(1))
    run = project.run_stage()
    project.work(run)
    (Path(run.data["worktree"]["path"]) / "build.log").write_text("made by a tool\n")
    assert project.okstra("stage", "done", "--run", run.data["run_id"]).status == 0


@pytest.mark.parametrize("command", ["run", "done", "release", "remove"])
def test_inherited_git_variables_do_not_mislead(
    project: Project, tmp_path: Path, environment: dict[str, str], command: str
) -> None:
    other = Repo.init(tmp_path / "other", environment)
    before = other.git("for-each-ref"), (other.path / ".git" / "index").read_bytes()
    misleading = {
        "GIT_DIR": str(other.path / ".git"),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": str(other.path / ".git" / "index"),
        "GIT_OBJECT_DIRECTORY": str(other.path / ".git" / "objects"),
        "GIT_COMMON_DIR": str(other.path / ".git"),
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_NAMESPACE": "x",
    }
    project.adopt(independent(1))
    run = project.run_stage(**(misleading if command == "run" else {}))
    assert run.status == 0, run
    commit = project.work(run)
    calls = {
        "done": ("stage", "done", "--run", run.data["run_id"]),
        "release": ("stage", "release", "--run", run.data["run_id"]),
        "remove": ("worktree", "remove", f"{project.task_key}#stage-1"),
    }
    if command == "remove":
        project.okstra.ok(*calls["done"])
    if command != "run":
        ended = project.okstra(*calls[command], **misleading)
        assert ended.status == 0, ended
    assert (other.git("for-each-ref"), (other.path / ".git" / "index").read_bytes()) == before
    assert other.worktree_paths() == [str(other.path)]
    stage = f"{project.task_key}#stage-1"
    invariants.check(project, worked_in={stage}, left_branches={"feat-t-1-s1"}, commits=[commit])
