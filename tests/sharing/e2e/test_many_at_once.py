"""Many machines that claim at once: as many different stages as claims, unique runs, one anchor."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from support.machines import TRANSPORTS, Farm, farm_over
from support.plans import independent


def play(farm: Farm, machines: int, runs: int) -> list[dict[str, Any]]:
    """Every machine prepares so many runs, all at once, on one plan; answers what each run got."""
    fleet = [farm.machine(f"m{number}") for number in range(machines)]
    farm.approve(fleet[0], independent(machines * runs))
    for machine in fleet[1:]:
        farm.join(machine)
    assert all(machine.run_phase().status == 0 for machine in fleet), "the task worktrees are there before the race"
    begun = [machine.okstra.start(*machine.run_args()) for _ in range(runs) for machine in fleet]
    answers = [process.communicate(timeout=1200)[0] for process in begun]
    assert [process.returncode for process in begun] == [0] * len(begun), answers
    return [json.loads(answer)["data"] for answer in answers]


def check(farm: Farm, got: list[dict[str, Any]]) -> None:
    count = len(got)
    assert sorted(run["stage"] for run in got) == list(range(1, count + 1))
    assert len({run["run_id"] for run in got}) == count
    assert len({run["worktree"]["base_commit"] for run in got}) == 1
    assert {run["epoch"] for run in got} == {1}
    state = farm.shared("demo:core:T-1")
    assert {one["run_id"] for one in state["stages"].values()} == {run["run_id"] for run in got}
    assert {one["status"] for one in state["stages"].values()} == {"claimed"}
    assert state["anchor"] == got[0]["worktree"]["base_commit"]


def test_three_machines_twice_each_get_six_stages(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    check(farm, play(farm, machines=3, runs=2))


@pytest.mark.stress
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_eight_machines_four_times_each_get_32_stages(tmp_path: Path, transport: str) -> None:
    with farm_over(transport, tmp_path) as farm:
        begin = time.monotonic()
        check(farm, play(farm, machines=8, runs=4))
        print(f"8 machines × 4 runs over {transport}: {time.monotonic() - begin:.0f} s")
