"""`okstra work`: several on one plan, killed and started again, and what each of its ends says."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.faults import eventually
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.rehearsal import executed, install, part
from support.sealed import ROOT

BUILD = (
    {"run": "mkdir -p stage-$OKSTRA_STAGE && echo '#' > stage-$OKSTRA_STAGE/it.py"},
    {"commit": "feat: stage {{STAGE}}"},
    {"result": executed(1, 2)},
)
COMMON = ("--with", "--provider rehearsal", "--json")


def work(project: Project, *more: str) -> Ended:
    return project.okstra("work", project.task_key, *COMMON, *more)


def ended(process: subprocess.Popen[str]) -> Ended:
    stdout, stderr = process.communicate(timeout=120)
    return Ended(process.returncode, stdout, stderr)


def statuses(project: Project, plan: str) -> list[str]:
    return [stage["status"] for stage in project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]]


def gated(project: Project) -> Path:
    """The executors say that they have begun, and wait for the file `go` in the folder that is returned."""
    folder = project.repo.path.parent / "gate"
    folder.mkdir()
    wait = f"touch {folder}/begun-$OKSTRA_STAGE; while [ ! -e {folder}/go ]; do sleep 0.05; done"
    install(project, part({"run": wait}, *BUILD, role="executor"))
    return folder


def test_two_at_once_do_each_stage_once_and_merge_all(project: Project) -> None:
    plan = project.adopt({1: (), 2: (), 3: (1, 2)})
    install(project, part(*BUILD, role="executor"))
    one, other = (project.okstra.start("work", project.task_key, *COMMON, "--job", job) for job in ("a", "b"))
    both = [ended(one), ended(other)]
    assert [end.status for end in both] == [0, 0], both
    assert sorted(led["stage"] for end in both for led in end.data["stages"]) == [1, 2, 3]
    assert all(end.data["all_done"] for end in both)
    assert statuses(project, plan) == ["done"] * 3
    names = project.repo.git("ls-tree", "-r", "--name-only", "feat-t-1").splitlines()
    assert {f"stage-{number}/it.py" for number in (1, 2, 3)} <= set(names)
    assert sum(len(end.data["commits"]) for end in both) == 2  # no merge was made twice


def test_a_stopped_or_killed_worker_goes_on_with_its_stage_under_its_own_name_only(project: Project) -> None:
    plan = project.adopt(independent(1))
    gate = gated(project)
    stopped = project.okstra.start("work", project.task_key, *COMMON, "--job", "a")
    eventually((gate / "begun-1").exists)
    idle = work(project, "--job", "a", "--until", "idle")  # the same name while its stage is in work
    assert (idle.status, idle.data["stages"], idle.data["all_done"]) == (0, [], False), idle
    stopped.send_signal(signal.SIGTERM)
    end = ended(stopped)
    assert (end.status, end.codes) == (130, ["interrupted"]), end
    assert statuses(project, plan) == ["interrupted"]
    other = work(project, "--job", "b")
    assert (other.status, other.codes) == (3, ["no-stage-ready"])
    (gate / "begun-1").unlink()
    killed = project.okstra.start("work", project.task_key, *COMMON, "--job", "a")
    eventually((gate / "begun-1").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    (gate / "go").touch()
    again = work(project, "--job", "a")
    assert again.status == 0, again
    assert [led["run_id"] for led in again.data["stages"]] == [f"{project.task_key}/implementation/stage-1/001"]
    assert statuses(project, plan) == ["done"]


@pytest.mark.stress
def test_a_stage_that_fails_its_gate_ends_as_1_after_the_others_are_done(project: Project) -> None:
    plan = project.adopt(independent(2))
    install(project, part({"fault": "garbage"}, role="executor", stage="1"), part(*BUILD, role="executor"))
    end = work(project)
    assert (end.status, end.codes) == (1, ["run-failed"]), end
    assert statuses(project, plan) == ["failed", "done"]
    assert [(led["stage"], led["ok"]) for led in end.data["stages"]] == [(1, False), (2, True)]


@pytest.mark.stress
def test_after_two_stages_without_an_agent_a_worker_takes_no_more(project: Project) -> None:
    plan = project.adopt(independent(3))
    install(project, part({"fault": "crash"}, role="executor"))
    end = work(project)
    assert (end.status, end.codes) == (1, ["run-failed"]), end
    assert "2 stages in a row" in end.envelope["errors"][0]["message"]
    assert statuses(project, plan) == ["failed", "failed", "ready"]


def test_a_node_was_asked_whether_it_is_fit_and_its_jobs_are_not(project: Project, okstra: Okstra) -> None:
    project.adopt(independent(1), approved=False)
    project.repo.git("config", "--unset", "user.email")
    nameless = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}
    assert okstra("work", project.task_key, *COMMON, **nameless).codes == ["machine-unhealthy"]
    command = [str(ROOT / "bin" / "okstra"), "work", project.task_key, *COMMON, "--leash"]
    held, leash = os.pipe()
    try:
        job = subprocess.run(
            [*command, str(held)],
            pass_fds=(held,),
            cwd=okstra.cwd,
            env={**okstra.environment, **nameless},
            capture_output=True,
            text=True,
        )
    finally:
        os.close(held)
        os.close(leash)
    assert Ended(job.returncode, job.stdout, job.stderr).codes == ["plan-not-approved"], job


def test_nothing_is_started_without_an_approval_or_for_a_wrong_flag(project: Project, okstra: Okstra) -> None:
    project.adopt(independent(1), approved=False)
    assert work(project).codes == ["plan-not-approved"]
    assert okstra("work", project.task_key, "--jobs", "0", "--json").codes == ["usage"]
    assert okstra("work", project.task_key, "--with", "'open", "--json").codes == ["usage"]
    assert okstra("work", project.task_key, "--job", "night run", "--json").codes == ["usage"]
