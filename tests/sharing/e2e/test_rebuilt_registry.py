"""A registry that was lost and rebuilt, where machines share the task."""

from __future__ import annotations

from pathlib import Path

from support.machines import Farm


def test_a_rebuilt_registry_knows_its_live_claim_by_the_token_and_can_give_it_back(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    a = farm.machine("a")
    farm.approve(a, {1: (), 2: ()})
    first = a.run_stage("1")
    key = f"{a.task_key}#stage-1"
    token = a.registry["stages"][key]["remote_token"]
    (a.home / "worktrees" / "registry.json").unlink()
    a.okstra.ok("reconcile", "--rebuild")
    assert a.registry["stages"][key]["remote_token"] == token
    second = a.run_stage()
    assert (second.status, second.data["stage"]) == (0, 2)
    shared = farm.shared(a.task_key)["stages"]["1"]
    assert (shared["status"], shared["token"]) == ("claimed", token)
    a.okstra.ok("stage", "release", "--run", first.data["run_id"])
    assert farm.shared(a.task_key)["stages"]["1"]["status"] == "released"
