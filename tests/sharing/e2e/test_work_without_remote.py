"""`okstra work` while the remote can't be reached for a while."""

from __future__ import annotations

import time
from pathlib import Path

from support.faults import eventually
from support.live_runs import LiveRun
from support.machines import Farm
from support.okstra import Ended
from support.rehearsal import executed, install, part

_REPORT = {"report": {"verdict": {"conclusion": "ok", "token": "{{TOKEN}}"}}}


def test_a_stage_that_was_proven_while_the_remote_was_away_is_published_by_the_same_worker(tmp_path: Path) -> None:
    farm = Farm(tmp_path / "farm")
    a = farm.machine("a")
    farm.approve(a, {1: ()})
    begun, go = tmp_path / "begun", tmp_path / "go"
    wait = f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done; mkdir stage-1; echo '#' > stage-1/it.py"
    install(a, part({"run": wait}, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor"))
    away = farm.bare.with_name("away.git")
    worker = a.okstra.start("work", a.task_key, "--with", "--provider rehearsal", "--json")
    eventually(begun.exists)
    farm.bare.rename(away)
    go.touch()
    eventually(lambda: a.registry["stages"][f"{a.task_key}#stage-1"].get("proven"), seconds=60)
    time.sleep(3)  # it tries to publish, and looks again
    away.rename(farm.bare)
    stdout, stderr = worker.communicate(timeout=120)
    ended = Ended(worker.returncode, stdout, stderr)
    assert ended.status == 0, ended
    assert "trying again for 10 minutes" in ended.stderr
    assert ended.data["all_done"] is True
    assert farm.shared(a.task_key)["stages"]["1"]["status"] == "done"
    assert [row["status"] for row in a.ledger] == ["started", "done"]


def test_gates_that_were_passed_while_the_remote_was_away_are_published_by_the_next_worker(tmp_path: Path) -> None:
    farm = Farm(tmp_path / "farm")
    a = farm.machine("a")
    farm.approve(a, {1: ()})
    begun, go = tmp_path / "begun", tmp_path / "go"
    work = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
    install(
        a,
        part(*work, {"result": executed(1, 2)}, role="executor"),
        part({"run": f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done"}, _REPORT, role="report-writer"),
    )
    away = farm.bare.with_name("away.git")
    live = LiveRun.start(a, "implementation", "--stage", "1")
    eventually(begun.exists)
    farm.bare.rename(away)
    go.touch()
    led = live.ended()
    away.rename(farm.bare)
    assert led.status == 0, led
    assert any("don't know that all gates were passed" in warning for warning in led.data["warnings"]), led
    assert farm.shared(a.task_key)["stages"]["1"]["gates"] == "open"
    (found,) = a.okstra("reconcile", "--json").data["findings"]
    assert (found["kind"], found["try"]) == ("stage-unpublished", f"okstra stage publish --run {led.data['run_id']}")
    a.okstra.ok("work", a.task_key, "--with", "--provider rehearsal", "--json")
    assert "gates" not in farm.shared(a.task_key)["stages"]["1"]
    assert farm.log(a.task_key).count("okstra: gates passed: stage 1") == 1
    assert a.okstra.ok("reconcile", "--json").data["findings"] == []
