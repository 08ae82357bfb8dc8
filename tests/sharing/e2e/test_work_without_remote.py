"""`okstra work` while the remote can't be reached for a while."""

from __future__ import annotations

import time
from pathlib import Path

from support.faults import eventually
from support.machines import Farm
from support.okstra import Ended
from support.rehearsal import executed, install, part


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
