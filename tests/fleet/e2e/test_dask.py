"""Stages on a Dask fleet over TLS: a node's process killed, the scheduler killed, and what the ledger says then."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from okstra_ctl.system.assets import parse_toml
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


def answers_a_stranger(fleet: LocalFleet) -> bool:
    """Whether the scheduler sends anything to a client without the fleet's certificate, encrypted or not."""
    scheduler = parse_toml(fleet.path.read_text())["dask"]["scheduler"]
    port = int(scheduler.rpartition(":")[2])
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    for wrap in (blind.wrap_socket, lambda plain: plain):
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as plain, wrap(plain) as opened:
                opened.sendall(bytes(64))
                if opened.recv(1):
                    return True
        except OSError:
            continue
    return False


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
        assert not answers_a_stranger(fleet)
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
    left = [path for path in (project.home / "nodes" / "a").rglob("worker-*") if path.is_dir()]
    assert len(left) <= 1  # the killed node's is gone; the last one was killed by the test


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


@pytest.mark.stress
def test_a_node_without_an_agent_for_two_stages_in_a_row_leaves_the_fleet(project: Project, tmp_path: Path) -> None:
    plan = project.adopt(independent(3))
    install(project, part({"fault": "crash"}, role="executor"))
    with dask_fleet(project.okstra, tmp_path / "fleet", ["a"]) as fleet:
        attached = placing(project, fleet)
        fleet.parts["a"].communicate(timeout=120)
        assert statuses(project, plan) == ["failed", "failed", "ready"]
        install(project, part(*BUILD, role="executor"))
        fleet.serve("a")
        end = ended(attached)
    assert (end.status, end.codes) == (1, ["run-failed"]), end
    assert statuses(project, plan) == ["failed", "failed", "done"]


@pytest.mark.stress
def test_tokens_are_the_most_that_is_placed_at_once(project: Project, tmp_path: Path) -> None:
    plan = project.adopt(independent(3))
    gate = gated(project)
    with dask_fleet(project.okstra, tmp_path / "fleet", ["a", "b"], rehearsal=1) as fleet:
        attached = placing(project, fleet)
        eventually(lambda: any(gate.iterdir()))
        time.sleep(3)  # time enough for a second one to begin
        assert len(list(gate.iterdir())) == 1
        (gate / "go").touch()
        end = ended(attached)
    assert end.status == 0, end
    assert statuses(project, plan) == ["done"] * 3
