"""Processes that stood still: what they hold isn't taken from them, what was taken from them they can't touch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from support import invariants
from support.faults import Preload, eventually, group_lives
from support.okstra import Ended, Project
from support.plans import independent

STAGE = f"{Project.task_key}#stage-1"
IN_THE_CHECKOUT = "README.md"  # git writes it while a worktree is filled
BETWEEN_LOCKS = "team-state-001.json"  # written while the files arrive: no lock is held, the claim is `provisioning`


@pytest.fixture
def preload(tmp_path: Path) -> Preload:
    return Preload.build(tmp_path)


def stop_at(project: Project, preload: Preload, args: tuple[str, ...], path: str) -> subprocess.Popen[str]:
    """Starts the command, and returns when it stands still before its first change to a path that ends so."""
    process = project.okstra.start(*args, **preload.environment(on=path, at=1, do="stop"))
    eventually(lambda: process.poll() is not None or _state(process.pid) == "T")
    assert process.poll() is None, process.communicate()
    return process


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]


def go_on(process: subprocess.Popen[str]) -> Ended:
    os.kill(process.pid, signal.SIGCONT)
    stdout, stderr = process.communicate(timeout=60)
    return Ended(process.returncode, stdout, stderr)


def events_of(run: Ended) -> list[dict[str, object]]:
    state = Path(run.data["run_dir"]) / "state" / f"events-{run.data['seq']:03d}.jsonl"
    return [json.loads(line) for line in state.read_text().splitlines()]


def test_a_prepare_that_stands_still_is_not_taken_over(project: Project, preload: Preload) -> None:
    plan = project.adopt(independent(4))
    assert project.run_phase().status == 0
    process = stop_at(project, preload, project.run_args("1"), BETWEEN_LOCKS)
    assert project.registry["stages"][STAGE]["status"] == "provisioning"
    others = [project.run_stage() for _ in range(3)]
    assert [run.data["stage"] for run in others] == [2, 3, 4]
    assert [run.data["repaired"] for run in others] == [[], [], []]
    stages = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert stages[0]["status"] == "running"
    refused = project.run_stage("1")
    assert refused.codes == ["stage-running"]
    assert f"on {os.uname().nodename}" in refused.envelope["errors"][0]["message"]
    assert project.okstra("worktree", "remove", STAGE, "--force", "--json").codes == ["worktree-held"]
    late = go_on(process)
    assert (late.status, late.data["stage"]) == (0, 1), late
    invariants.check(project, left_branches={"feat-t-1-s1"})


def test_a_run_that_was_released_and_taken_again_can_not_finish(project: Project) -> None:
    project.adopt(independent(1))
    first = project.run_stage()
    project.okstra.ok("stage", "release", "--run", first.data["run_id"])
    second = project.run_stage()
    project.work(second)
    before = project.ledger
    late = project.okstra("stage", "done", "--run", first.data["run_id"], "--json")
    assert (late.status, late.codes) == (3, ["stage-not-held"])
    assert second.data["run_id"] in late.envelope["errors"][0]["message"]
    assert project.ledger == before
    refusals = [event for event in events_of(first) if event["event"] == "done-refused"]
    assert [event["run_id"] for event in refusals] == [first.data["run_id"]]
    assert second.data["run_id"] in str(refusals[0]["reason"])
    assert project.okstra("stage", "release", "--run", first.data["run_id"], "--json").codes == ["stage-not-held"]
    assert project.okstra("stage", "done", "--run", second.data["run_id"]).status == 0


def test_a_stage_taken_again_during_the_exit_check_is_not_recorded_as_done(project: Project, tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    check = tmp_path / "check.sh"
    check.write_text(f"touch '{begun}'; while [ ! -e '{go}' ]; do sleep 0.02; done\n")
    project.adopt(independent(1), exit_check=f"sh {check}")
    first = project.run_stage()
    project.work(first)
    process = project.okstra.start("stage", "done", "--run", first.data["run_id"], "--json")
    eventually(begun.exists)
    project.okstra.ok("stage", "release", "--run", first.data["run_id"])
    second = project.run_stage()
    assert (second.data["stage"], second.data["epoch"]) == (1, 2)
    go.touch()
    stdout, stderr = process.communicate(timeout=60)
    late = Ended(process.returncode, stdout, stderr)
    assert late.status != 0, late
    assert "done" not in [row["status"] for row in project.ledger]
    assert project.registry["stages"][STAGE]["run_id"] == second.data["run_id"]
    assert [e["event"] for e in events_of(first)].count("done-refused") == 1
    invariants.check(project, left_branches={"feat-t-1-s1"})


def test_a_release_that_stood_still_does_not_remove_the_next_holders_worktree(
    project: Project, preload: Preload
) -> None:
    project.adopt(independent(1))
    first = project.run_stage()
    release = ("stage", "release", "--run", first.data["run_id"], "--json")
    process = stop_at(project, preload, release, "/registry.lock")
    project.okstra.ok(*release)
    second = project.run_stage()
    assert (second.data["stage"], second.data["epoch"]) == (1, 2)
    late = go_on(process)
    assert (late.status, late.codes) == (3, ["worktree-held"]), late
    assert project.registry["stages"][STAGE]["run_id"] == second.data["run_id"]
    left = {branch for branch in project.repo.branches() if branch.startswith("feat-t-1-s")}
    invariants.check(project, left_branches=left)


def test_recovery_waits_for_a_git_that_outlived_its_okstra(project: Project, preload: Preload) -> None:
    project.adopt(independent(1))
    assert project.run_phase().status == 0
    environment = preload.environment(on=IN_THE_CHECKOUT, at=1, do="leader", stall=1500)
    process = project.okstra.start(*project.run_args(), **environment)
    assert process.wait() == -signal.SIGKILL
    assert group_lives(process.pid)  # its git lives on, in the half-made worktree
    following = project.run_stage()
    assert not group_lives(process.pid)
    process.communicate()
    assert (following.status, following.data["stage"]) == (0, 1), following
    assert len(following.data["repaired"]) == 1
    left = {branch for branch in project.repo.branches() if branch.startswith("feat-t-1-s")}
    invariants.check(project, left_branches=left)
