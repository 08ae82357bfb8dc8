"""Stages on a Dask fleet over TLS: a node's process killed, the scheduler killed, and what the ledger says then."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from support.faults import eventually
from support.fleets import LocalFleet, alive, dask_fleet, descendants
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, install, part

BUILD = (
    {"run": "mkdir -p stage-$OKSTRA_STAGE && echo '#' > stage-$OKSTRA_STAGE/it.py"},
    {"commit": "feat: stage {{STAGE}}"},
    {"result": executed(1, 2)},
)


def statuses(project: Project, plan: str) -> list[str]:
    return [stage["status"] for stage in project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]]


def placing(project: Project, fleet: LocalFleet) -> subprocess.Popen[str]:
    words = ("--task-key", project.task_key, "--task-type", "implementation", "--provider", "rehearsal")
    return project.okstra.start("run", *words, "--all-ready", "--on", fleet.path, "--json", "--yes")


def ended(process: subprocess.Popen[str]) -> Ended:
    stdout, stderr = process.communicate(timeout=120)
    return Ended(process.returncode, stdout, stderr)


def gated(project: Project, **which: str) -> Path:
    """The executors say that they have begun, with an agent of their own, and wait for the file `go`."""
    folder = project.repo.path.parent / "gate"
    folder.mkdir()
    wait = f"touch {folder}/begun-$OKSTRA_STAGE; while [ ! -e {folder}/go ]; do sleep 0.05; done"
    install(project, part({"run": wait}, *BUILD, role="executor", **which), part(*BUILD, role="executor"))
    return folder


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_killed_node_leaves_nobody_and_its_stage_is_placed_again(project: Project, tmp_path: Path) -> None:
    plan = project.adopt({1: (), 2: (1,)})
    gate = gated(project, stage="1")
    with dask_fleet(project.okstra, tmp_path / "fleet", ["a"]) as fleet:
        attached = placing(project, fleet)
        eventually((gate / "begun-1").exists)
        node = fleet.parts["a"].pid
        below = descendants(node)
        assert len(below) > 3  # okstra work, okstra run, the supervisor, the agent
        (shown,) = project.okstra.ok("fleet", "status", "--json").data["jobs"]
        assert (shown["engine"], shown["ledger"]) == ("running", "running")
        fleet.kill("a")
        killed = time.monotonic()
        eventually(lambda: not alive(below), seconds=5)
        assert time.monotonic() - killed < 5
        assert statuses(project, plan)[0] == "interrupted"
        (gate / "go").touch()
        fleet.serve("a")
        end = ended(attached)
    assert end.status == 0, end
    assert statuses(project, plan) == ["done", "done"]
    assert "placed, for the second time" in end.stderr
    assert end.data["placed"][0]["done"] == [1, 2]
    assert list((project.home / "placed").iterdir()) == []


@pytest.mark.stress
def test_without_its_scheduler_the_placing_ends_with_an_error_and_the_ledger_is_right(
    project: Project, tmp_path: Path
) -> None:
    plan = project.adopt(independent(3))
    gate = gated(project, stage="3")
    with dask_fleet(project.okstra, tmp_path / "fleet", ["a", "b", "c"]) as fleet:
        attached = placing(project, fleet)
        eventually(lambda: statuses(project, plan)[:2] == ["done", "done"] and (gate / "begun-3").exists())
        fleet.kill("scheduler")
        end = ended(attached)
        assert (end.status, end.codes) == (1, ["fleet-unreachable"]), end
        eventually(lambda: statuses(project, plan) == ["done", "done", "interrupted"], seconds=60)
        (gate / "go").touch()
        for part_ in fleet.parts.values():
            part_.communicate(timeout=60)  # nodes end without a scheduler
        for name in ("scheduler", "b"):
            fleet.serve(name)
        again = ended(placing(project, fleet))
    assert again.status == 0, again
    assert statuses(project, plan) == ["done"] * 3
