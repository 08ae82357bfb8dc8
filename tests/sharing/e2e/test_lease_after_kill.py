"""A run that is killed between its claim and its lead's first sign of life: its lease holds from the claim on."""

from __future__ import annotations

import json
import os
import shlex
import signal
from typing import NamedTuple

import pytest

from support.faults import eventually, group_lives
from support.machines import Farm
from support.okstra import Ended, Project
from support.rehearsal import led_args

_LEASE_SECONDS = 300


class Played(NamedTuple):
    """A prepares stage 2 by hand, and is killed in the set-up of stage 1, which it was to lead; B looks, and looks
    again after a lease of its own clock."""

    farm: Farm
    claimed: dict[str, int]
    ends: dict[str, Ended]


def _set(machine: Project, **settings: object) -> None:
    path = machine.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "claimsLease": "5m", **settings}))


def _let_a_lease_pass(machine: Project) -> None:
    (path,) = (machine.home / "remotes").glob("*.watched.json")
    watched = json.loads(path.read_text())
    for entries in watched["refs"].values():
        for entry in entries.values():
            entry["seconds"] -= _LEASE_SECONDS
    path.write_text(json.dumps(watched))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("farm")
    farm = Farm(folder)
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: (), 2: ()})
    farm.join(b)
    at_work = folder / "at-work"
    wait = f"touch {shlex.quote(str(at_work))}; while [ -e {shlex.quote(str(at_work))} ]; do sleep 0.1; done"
    _set(a, worktreeSetup=[f'case "$PWD" in */stage-1) {wait};; esac'])
    _set(b)
    assert a.run_stage("2").status == 0
    process = a.okstra.start(*led_args(a, "implementation"), "--stage", "1")
    eventually(at_work.exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    at_work.unlink()
    eventually(lambda: not group_lives(process.pid))
    claimed = {number: stage["beat"] for number, stage in farm.shared(a.task_key)["stages"].items()}
    ends = {"at once": b.run_stage("1")}
    _let_a_lease_pass(b)
    ends["by hand"] = b.run_stage("2")
    ends["after a lease"] = b.run_stage("1")
    return Played(farm, claimed, ends)


def test_a_claim_of_a_run_that_okstra_leads_is_its_first_sign_of_life(played: Played) -> None:
    assert played.claimed == {"1": 1, "2": 0}
    assert "okstra: alive: stage 1" not in played.farm.log(Project.task_key), "there was no other"


def test_a_run_killed_right_after_its_claim_falls_to_another_machine_after_a_lease(played: Played) -> None:
    assert played.ends["at once"].codes == ["stage-running"], "its lease is not over"
    taken = played.ends["after a lease"]
    assert (taken.status, taken.data["epoch"]) == (0, 2), taken
    assert played.farm.shared(Project.task_key)["stages"]["1"]["run_id"] == taken.data["run_id"]


def test_a_run_that_is_led_by_hand_never_falls_to_a_lease(played: Played) -> None:
    assert played.ends["by hand"].codes == ["stage-running"]
