"""Never two worktrees on one branch: what is committed in one looks reverted in the other, and a commit undoes it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.okstra import Ended, Project
from support.plans import independent

TASK = Project.task_key
STAGE = f"{TASK}#stage-1"


class Stand:
    """A task whose one stage is done and whose worktrees are removed: only its branches stand."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.adopt(independent(2))
        self.run = project.run_stage()
        assert project.finish(self.run).status == 0
        tasks = project.registry["tasks"]
        self.branch: str = tasks[TASK]["branch"]
        self.stage_branch: str = self.run.data["worktree"]["branch"]
        self.prepared = project.run_phase("error-analysis", "--provider", "rehearsal")
        project.okstra.ok("worktree", "remove", STAGE)
        project.okstra.ok("worktree", "remove", TASK, "--force")

    def refuses(self, ended: Ended, place: Path) -> str:
        """Checks the refusal; answers what to try."""
        assert (ended.status, ended.codes) == (3, ["branch-in-use"]), ended
        error = ended.envelope["errors"][0]
        assert error["where"] == str(place) and str(place) in error["message"], error
        listed = self.project.repo.git("worktree", "list", "--porcelain").splitlines()
        on_branches = [line for line in listed if line.startswith("branch ")]
        assert len(on_branches) == len(set(on_branches)), "two worktrees are on one branch"
        assert self.project.repo.git("-C", str(place), "status", "--porcelain", "--untracked-files=no") == ""
        return str(error["try"])


@pytest.fixture
def stand(project: Project) -> Stand:
    return Stand(project)


COMMANDS: dict[str, Callable[[Stand], tuple[str, ...]]] = {
    "run": lambda _: ("run", "--task-key", TASK, "--task-type", "error-analysis", "--render-only"),
    "run of a stage": lambda _: ("run", "--task-key", TASK, "--task-type", "implementation", "--render-only"),
    "rerun": lambda stand: ("rerun", stand.prepared.data["run_id"], "--render-only"),
    "resume": lambda stand: ("resume", stand.prepared.data["run_id"]),
    "integrate": lambda _: ("integrate", "--task-key", TASK),
    "restore": lambda _: ("worktree", "restore", TASK),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_task_branch_in_the_main_checkout_is_left_to_the_person(stand: Stand, command: str) -> None:
    project = stand.project
    project.repo.git("checkout", "--quiet", stand.branch)
    registry = project.registry
    ended = project.okstra(*COMMANDS[command](stand), "--json")
    way_on = stand.refuses(ended, project.repo.path)
    assert project.registry["tasks"] == registry["tasks"], "something of it was left"
    subprocess.run(shlex.split(way_on.partition(" (or")[0]), env=project.repo.environment, check=True)
    again = project.okstra(*COMMANDS[command](stand), "--json")
    assert again.status == 0, again
    assert Path(project.registry["tasks"][TASK]["path"]).is_dir()


def test_a_stage_branch_in_a_persons_worktree_is_not_restored_beside_it(stand: Stand, tmp_path: Path) -> None:
    own = tmp_path / "a person's own"
    stand.project.repo.git("worktree", "add", "--quiet", str(own), stand.stage_branch)
    stand.refuses(stand.project.okstra("worktree", "restore", STAGE, "--json"), own)


@pytest.mark.parametrize("command", ["resume", "rerun"])
def test_a_stage_branch_of_a_lost_worktree_is_not_made_again_beside_the_main_checkout(
    project: Project, command: str
) -> None:
    project.adopt(independent(1))
    run = project.run_stage("auto", "--provider", "rehearsal")
    shutil.rmtree(run.data["worktree"]["path"])
    project.repo.git("worktree", "unlock", run.data["worktree"]["path"])
    project.repo.git("worktree", "prune")
    project.repo.git("checkout", "--quiet", run.data["worktree"]["branch"])
    before = project.registry
    more = ("--render-only",) if command == "rerun" else ()
    ended = project.okstra(command, run.data["run_id"], *more, "--json")
    assert (ended.status, ended.codes) == (3, ["branch-in-use"]), ended
    assert project.registry["stages"][STAGE]["run_id"] == before["stages"][STAGE]["run_id"]
    assert project.registry["stages"][STAGE]["status"] == "active"


def test_a_branch_that_is_being_rebased_counts_as_checked_out(stand: Stand) -> None:
    """HEAD is detached meanwhile; git would put it back on the branch, and move that."""
    project = stand.project
    project.repo.commit({"README.md": "main\n"})
    project.repo.git("checkout", "--quiet", stand.branch)
    project.repo.commit({"README.md": "task\n"})
    project.repo.git("rebase", "main", check=False)
    assert project.repo.git("symbolic-ref", "--quiet", "HEAD", check=False) == ""
    ended = project.okstra("worktree", "restore", TASK, "--json")
    assert (ended.status, ended.codes) == (3, ["branch-in-use"]), ended
    assert "rebased" in ended.envelope["errors"][0]["message"]
    project.repo.git("rebase", "--abort")


def test_a_branch_that_is_being_bisected_counts_as_checked_out(stand: Stand) -> None:
    project = stand.project
    project.repo.git("checkout", "--quiet", stand.branch)
    first = project.repo.git("rev-parse", "HEAD")
    for number in range(4):
        project.repo.commit({"n.txt": f"{number}\n"})
    project.repo.git("bisect", "start", "HEAD", first)
    ended = project.okstra("worktree", "restore", TASK, "--json")
    assert (ended.status, ended.codes) == (3, ["branch-in-use"]), ended


def test_a_folder_that_is_gone_is_pruned_first(stand: Stand, tmp_path: Path) -> None:
    own = tmp_path / "own"
    stand.project.repo.git("worktree", "add", "--quiet", str(own), stand.branch)
    shutil.rmtree(own)
    ended = stand.project.okstra("worktree", "restore", TASK, "--json")
    assert ended.codes == ["branch-in-use"]
    assert "git worktree prune" in ended.envelope["errors"][0]["try"]
    stand.project.repo.git("worktree", "prune")
    stand.project.okstra.ok("worktree", "restore", TASK)


@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "during the check"])
def test_a_task_branch_that_somebody_forced_into_the_main_checkout_too_is_not_moved(
    project: Project, tmp_path: Path, *, meanwhile: bool
) -> None:
    forced = f"git -C {shlex.quote(str(project.repo.path))} checkout --quiet --ignore-other-worktrees feat-t-1"
    mark = tmp_path / "mark"
    project.adopt(independent(1), exit_check=f"if test -e {shlex.quote(str(mark))}; then {forced}; fi")
    assert project.finish(project.run_stage()).status == 0
    if meanwhile:
        mark.touch()
    else:
        subprocess.run(["sh", "-c", forced], env=project.repo.environment, check=True)
    before = project.repo.git("rev-parse", "feat-t-1")
    ended = project.okstra("integrate", "--task-key", TASK, "--json")
    assert (ended.status, ended.codes) == (3, ["branch-in-use"]), ended
    assert project.repo.git("rev-parse", "feat-t-1") == before
    assert project.repo.git("status", "--porcelain", "--untracked-files=no") == ""
    mark.unlink(missing_ok=True)
    project.repo.git("switch", "--quiet", "-")
    project.okstra.ok("integrate", "--task-key", TASK)


def test_merges_never_go_onto_another_branch_than_the_tasks(project: Project) -> None:
    project.adopt(independent(1))
    assert project.finish(project.run_stage()).status == 0
    task = Path(project.registry["tasks"][TASK]["path"])
    project.repo.git("-C", str(task), "checkout", "--quiet", "-b", "elsewhere")
    before = project.repo.git("rev-parse", "elsewhere")
    ended = project.okstra("integrate", "--task-key", TASK, "--json")
    assert (ended.status, ended.codes) == (3, ["head-moved"]), ended
    assert project.repo.git("rev-parse", "elsewhere") == before
    way_on = ended.envelope["errors"][0]["try"].partition(", then")[0]
    subprocess.run(shlex.split(way_on), env=project.repo.environment, check=True)
    project.okstra.ok("integrate", "--task-key", TASK)
