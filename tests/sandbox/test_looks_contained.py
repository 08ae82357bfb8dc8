"""okstra's own git looks into a worktree in which something contained has worked: what was left runs contained."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.sandbox.profile import Role
from okstra_ctl.services import open_services
from support.contained_lab import can_contain
from support.okstra import Ended, Project
from support.plans import independent
from support.repos import Repo

pytestmark = pytest.mark.skipif(not can_contain(Kind.BWRAP), reason="bubblewrap can't start here")
_ZERO = "0" * 40


def _worktree(project: Project) -> tuple[Ended, Path]:
    """A stage's worktree of a repository with a filter of the person's, which runs a script of the tree, and with a
    submodule that nobody has initialised."""
    script = {"fmt.sh": "#!/bin/sh\ncat\n", ".gitattributes": "*.py filter=fmt\n", "a.py": "print(1)\n"}
    project.repo.commit(script)
    project.repo.git("update-index", "--chmod=+x", "fmt.sh")
    project.repo.git("update-index", "--add", "--cacheinfo", f"160000,{project.repo.git('rev-parse', 'HEAD')},lib")
    project.repo.git("commit", "--quiet", "-m", "A submodule")
    project.repo.git("config", "filter.fmt.clean", "sh ./fmt.sh")
    project.adopt(independent(1))
    run = project.run_stage("1")
    assert run.status == 0, run
    return run, Path(run.data["worktree"]["path"])


def _contained_worker_in(worktree: Path, project: Project) -> None:
    """As okstra begins to start one."""
    services = open_services({**project.okstra.environment, "OKSTRA_SANDBOX": "bwrap"})
    root = str(project.repo.path)
    assert containment(sandbox_of(root, services), Role.TESTER, str(worktree), root) is not None


def _leave(worktree: Path, environment: dict[str, str], ran: Path) -> None:
    """What a worker may leave in the tree: the script changed, and a repository where the submodule stands."""
    left = f"#!/bin/sh\ntouch {ran}\ncat\n"
    (worktree / "fmt.sh").write_text(left)
    (worktree / "a.py").write_text("print(2)\n")
    inner = Repo.init(worktree / "lib", environment)
    inner.commit({".gitattributes": "* filter=own\n", "b": "1\n"})
    monitor = worktree / "lib" / "monitor"
    monitor.write_text(left)
    monitor.chmod(0o755)
    inner.git("config", "filter.own.clean", f"sh -c 'touch {ran}.inner; cat'")
    inner.git("config", "core.fsmonitor", str(monitor))
    (worktree / "lib" / "b").write_text("2\n")


def _looks(project: Project, run: Ended, **more: str) -> list[Ended]:
    key = f"{project.task_key}:1"
    return [
        project.okstra("stage", "done", "--run", run.data["run_id"], "--json", **more),
        project.okstra("worktree", "remove", key, "--json", **more),
        project.okstra("reconcile", "--json", **more),
    ]


def test_nothing_that_a_worker_left_runs_outside(project: Project, environment: dict[str, str], tmp_path: Path) -> None:
    run, worktree = _worktree(project)
    _contained_worker_in(worktree, project)
    ran = tmp_path / "ran"
    _leave(worktree, environment, ran)
    done, *_ = _looks(project, run, OKSTRA_SANDBOX="")
    assert not os.path.exists(ran)
    assert not os.path.exists(f"{ran}.inner")
    assert done.status == 3
    assert "a.py" in done.stdout
    assert "lib" in done.stdout
    _looks(project, run, OKSTRA_SANDBOX="off")  # what was left works: it would have run
    assert os.path.exists(ran)
    assert os.path.exists(f"{ran}.inner")


def test_a_look_finds_what_it_would_find_outside(project: Project) -> None:
    """By the home's own settings too: what the person ignores everywhere is not dirty."""
    run, worktree = _worktree(project)
    home = Path(project.okstra.environment["HOME"])
    (home / "ignored-everywhere").write_text("*.mine\n")
    (home / ".gitconfig").write_text(f"[core]\n\texcludesFile = {home}/ignored-everywhere\n")
    project.work(run)
    (worktree / "notes.mine").write_text("mine")
    _contained_worker_in(worktree, project)
    done = project.okstra("stage", "done", "--run", run.data["run_id"], "--json", OKSTRA_SANDBOX="")
    assert done.status == 0, done


def test_a_look_that_can_not_be_contained_is_refused_and_never_made_outside(
    project: Project, environment: dict[str, str], tmp_path: Path
) -> None:
    run, worktree = _worktree(project)
    _contained_worker_in(worktree, project)
    _leave(worktree, environment, tmp_path / "ran")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions' >&2\nexit 1\n")
    (programs / "bwrap").chmod(0o755)
    mark = Path(Repo(worktree, environment).git("rev-parse", "--absolute-git-dir")) / "okstra.contained"
    mark.write_text("{}")
    path = f"{programs}{os.pathsep}{environment['PATH']}"
    done = project.okstra("stage", "done", "--run", run.data["run_id"], "--json", OKSTRA_SANDBOX="", PATH=path)
    assert done.codes == ["sandbox-missing"]
    assert "OKSTRA_SANDBOX=off" in done.envelope["errors"][0]["try"]
    assert not os.path.exists(tmp_path / "ran")


def test_a_worktree_without_a_contained_worker_is_read_directly(project: Project, tmp_path: Path) -> None:
    run, _ = _worktree(project)
    project.work(run)
    (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{project.okstra.environment['PATH']}"
    done = project.okstra("stage", "done", "--run", run.data["run_id"], "--json", OKSTRA_SANDBOX="", PATH=path)
    assert done.status == 0, done
