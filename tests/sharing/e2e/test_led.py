"""Runs that okstra leads on two machines: what one passed the other builds on, and a run that was taken over ends."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from okstra_ctl.runs.find import find_run
from okstra_ctl.services import open_services
from okstra_ctl.sharing.joining import sharing_of
from okstra_ctl.sharing.run_records import push_records
from support.faults import eventually
from support.machines import Farm
from support.okstra import Ended, Project
from support.rehearsal import executed, install, led, led_args, manifest_of, part

_SECRET = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"


def _executor(stage: int, *before: dict[str, object]) -> dict[str, object]:
    write = {"write": {"path": f"stage-{stage}/it.py", "content": "# it\n"}}
    return part(*before, write, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor")


class Played(NamedTuple):
    """A leads stage 1 to its end and merges it with stage 3, which B did; B leads stage 2, which A takes away."""

    farm: Farm
    a: Project
    b: Project
    ends: dict[str, Ended]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("farm")
    farm = Farm(folder)
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: (), 2: (), 3: ()})
    farm.join(b)
    go, waiting = folder / "go", folder / "waiting"
    script = folder / "wait.sh"
    script.write_text(f"touch {shlex.quote(str(waiting))}\nwhile [ ! -e {shlex.quote(str(go))} ]; do sleep 0.1; done\n")
    install(a, _executor(1))
    install(b, _executor(2, {"run": f"sh {shlex.quote(str(script))}"}))
    process = b.okstra.start(*led_args(b, "implementation"), "--stage", "2")
    eventually(waiting.exists)
    ends = {"1": led(a, "implementation", "--stage", "1")}
    run = f"{a.task_key}/implementation/stage-2/001"
    ends["taken"] = a.okstra("stage", "release", "--run", run, "--force", "--json")
    ends["2 on a"] = a.run_stage("2")
    go.touch()
    ends["2"] = Ended(*_ended(process))
    ends["3"] = b.finish(b.run_stage("3"))
    results = a.task_root / "runs" / "implementation" / "stage-1" / "worker-results"
    for path in results.glob("*-001.md"):
        path.write_text(f"{path.read_text()}\n{_SECRET} \x1b[2J\n")
    _push_records(a, str(ends["1"].data["run_id"]))
    ends["fetched"] = b.okstra("task", "fetch", a.task_key, "--json")
    ends["merged"] = b.okstra("integrate", "--task-key", a.task_key, "--json")
    return Played(farm, a, b, ends)


def _push_records(machine: Project, run_id: str) -> None:
    services = open_services(machine.okstra.environment)
    run = find_run(run_id, str(machine.repo.path), services)
    sharing = sharing_of(run.project.root, run.id.task, services)
    assert sharing is not None
    push_records(run, sharing.records)


def _ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


def test_what_a_led_run_passed_on_one_machine_is_merged_on_another(played: Played) -> None:
    assert played.ends["1"].status == 0, played.ends["1"]
    assert manifest_of(played.ends["1"])["outcome"] == "completed"
    assert played.ends["merged"].data["merged"] == [1, 3], played.ends["merged"]
    state = played.farm.shared(played.a.task_key)["stages"]["1"]
    assert (state["status"], "gates" in state) == ("done", False)
    subject = "okstra: gates passed: stage 1"
    assert subject in played.farm.log(played.a.task_key)


def test_a_led_run_that_was_taken_over_starts_no_further_worker_and_says_why(played: Played) -> None:
    ended = played.ends["2"]
    assert (ended.status, ended.codes) == (3, ["stage-not-held"]), ended
    assert played.ends["2 on a"].data["run_id"] in ended.envelope["errors"][0]["message"]
    path = played.b.task_root / "runs" / "implementation" / "stage-2" / "state" / "events-001.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["worker"] for row in events if row["event"] == "dispatched"] == ["rehearsal-executor"]
    assert "fenced" in [row["event"] for row in events]
    assert "stage-2/it.py" in played.b.repo.git("show", "--name-only", "--format=", "feat-t-1-s2")


def test_a_runs_records_can_be_read_on_another_machine_without_secrets_or_escapes(played: Played) -> None:
    (folder,) = map(Path, played.ends["fetched"].data["records"])
    assert folder == played.b.task_root / "fetched" / "implementation-stage-1-001"
    names = {path.name for path in folder.iterdir()}
    assert {"run-manifest-implementation-001.json", "final-report-implementation-001.md", "events-001.jsonl"} <= names
    kept = "".join(path.read_text() for path in folder.iterdir())
    assert _SECRET not in kept
    assert "[hidden: " in kept
    assert "\x1b" not in kept
    refs = played.a.repo.git("-C", str(played.farm.bare), "for-each-ref", "--format=%(refname)", "refs/okstra/records")
    assert f"refs/okstra/records/{played.a.task_key.replace(':', '/')}/implementation-stage-1-001" in refs.splitlines()
    assert played.b.okstra("show", played.ends["1"].data["run_id"]).status != 0, "it is no run of that machine"
