"""`okstra work` on several machines, each with a clone and a home of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from support.faults import eventually
from support.machines import Farm
from support.okstra import Ended, Project
from support.rehearsal import executed, install, part

pytestmark = pytest.mark.stress
BUILD = (
    {"run": "mkdir -p stage-$OKSTRA_STAGE && echo '#' > stage-$OKSTRA_STAGE/it.py"},
    {"commit": "feat: stage {{STAGE}}"},
    {"result": executed(1, 2)},
)
COMMON = ("--with", "--provider rehearsal", "--json")


def machines(farm: Farm, depends: dict[int, tuple[int, ...]], *first: dict[str, str]) -> tuple[Project, Project]:
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, depends)
    farm.join(b)
    for machine in (a, b):
        install(machine, part(*first, *BUILD, role="executor"))
    return a, b


def statuses(machine: Project) -> list[str]:
    listed = machine.okstra.ok("stage", "list", "--task-key", machine.task_key, "--json")
    return [stage["status"] for stage in listed.data["stages"]]


def test_two_machines_do_each_stage_once_and_both_have_all_merged(tmp_path: Path) -> None:
    a, b = machines(Farm(tmp_path / "farm"), {1: (), 2: (), 3: (1, 2), 4: ()})
    begun = [machine.okstra.start("work", machine.task_key, *COMMON) for machine in (a, b)]
    ends = []
    for process in begun:
        stdout, stderr = process.communicate(timeout=240)
        ends.append(Ended(process.returncode, stdout, stderr))
    assert [end.status for end in ends] == [0, 0], ends
    assert sorted(led["stage"] for end in ends for led in end.data["stages"]) == [1, 2, 3, 4]
    assert len({end.data["job"] for end in ends}) == 2  # of one host, and not of one name
    for machine in (a, b):
        assert statuses(machine) == ["done"] * 4
        names = machine.repo.git("ls-tree", "-r", "--name-only", "feat-t-1").splitlines()
        assert {f"stage-{number}/it.py" for number in (1, 2, 3, 4)} <= set(names)


def test_the_same_job_takes_its_stage_over_on_another_machine_and_another_job_does_not(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    wait = {"run": f"touch {gate}/begun; while [ ! -e {gate}/go ]; do sleep 0.05; done"}
    a, b = machines(Farm(tmp_path / "farm"), {1: ()}, wait)
    killed = a.okstra.start("work", a.task_key, *COMMON, "--job", "ci-1")
    eventually((gate / "begun").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    (gate / "go").touch()
    other = b.okstra("work", b.task_key, *COMMON, "--job", "ci-2", "--until", "idle")
    assert other.data["stages"] == [], other
    same = b.okstra("work", b.task_key, *COMMON, "--job", "ci-1")
    assert same.status == 0, same
    (led,) = same.data["stages"]
    assert led["run_id"].endswith("/stage-1/002")
    late = a.okstra("work", a.task_key, *COMMON, "--job", "ci-1")  # the machine comes back: nothing is left to do
    assert late.status == 0, late
    assert statuses(a) == ["done"]
