"""Stages on Slurm, by stand-ins for its commands that print what the real ones print; the long form with the real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import fake_slurm
from support.faults import eventually
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.rehearsal import executed, install, part
from support.sealed import ROOT
from support.terminal import CTRL_C, Terminal

BUILD = (
    {"run": "mkdir -p stage-$OKSTRA_STAGE && echo '#' > stage-$OKSTRA_STAGE/it.py"},
    {"commit": "feat: stage {{STAGE}}"},
    {"result": executed(1, 2)},
)


def write_fleet(folder: Path, project: Project, *more: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "fleet.toml"
    settings = (
        f'folder = "{project.repo.path}"',
        f'output = "{folder}"',
        f'okstra = "{ROOT}/bin/okstra"',
        *more,
    )
    path.write_text("\n".join(('schema = "fleet/1"', 'engine = "slurm"', "[slurm]", *settings)))
    return path


def placing(project: Project, okstra: Okstra, fleet: Path, **options: Any) -> subprocess.Popen[str]:
    words = ("--task-key", project.task_key, "--task-type", "implementation", "--provider", "rehearsal")
    return okstra.start("run", *words, "--all-ready", "--on", fleet, "--json", "--yes", **options)


def ended(process: subprocess.Popen[str]) -> Ended:
    stdout, stderr = process.communicate(timeout=300)
    return Ended(process.returncode, stdout, stderr)


def statuses(project: Project, plan: str) -> list[str]:
    return [stage["status"] for stage in project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]]


@pytest.fixture
def slurm(project: Project, tmp_path: Path) -> Okstra:
    """Commands that find the stand-ins."""
    programs = fake_slurm.install(tmp_path / "slurm")
    environment = project.okstra.environment
    return Okstra({**environment, "PATH": f"{programs}:{environment['PATH']}"}, project.okstra.cwd)


def test_a_job_that_slurm_ended_is_placed_again_and_one_that_a_gate_ended_is_not(
    project: Project, slurm: Okstra, tmp_path: Path
) -> None:
    plan = project.adopt(independent(2))
    gate = tmp_path / "gate"
    gate.mkdir()
    wait = f"touch {gate}/begun; while [ ! -e {gate}/go ]; do sleep 0.05; done"
    fails = part({"fault": "garbage"}, role="executor", stage="2")
    install(project, fails, part({"run": wait}, *BUILD, role="executor"))
    fleet = write_fleet(tmp_path / "fleet", project, "licenses = true")
    (tmp_path / "slurm" / "slurm-state" / "licenses.json").write_text('{"rehearsal": 2}')
    attached = placing(project, slurm, fleet)
    eventually((gate / "begun").exists)
    rows = {job["stage"]: job for job in slurm.ok("fleet", "status", "--json").data["jobs"]}
    handle = json.loads((project.home / "placed" / f"{rows[1]['job']}.json").read_text())["handle"]
    subprocess.run(["scancel", handle], env=slurm.environment, check=True)
    (gate / "go").touch()
    end = ended(attached)
    assert (end.status, end.codes) == (1, ["run-failed"]), end
    assert "stage 2 failed" in end.envelope["errors"][0]["message"]
    assert statuses(project, plan) == ["done", "failed"]
    submitted = [json.loads(path.read_text())["flags"] for path in (tmp_path / "slurm").glob("slurm-state/*.job")]
    assert sorted(flags["job-name"].rpartition("-")[2] for flags in submitted) == ["1", "1", "2"]
    assert {flags["licenses"] for flags in submitted} == {"rehearsal:1"}
    assert {flags["export"] for flags in submitted} == {"NONE"}
    assert not list((project.home / "placed").iterdir())


def test_stages_of_one_task_that_a_batch_names_are_placed_side_by_side(
    project: Project, slurm: Okstra, tmp_path: Path
) -> None:
    plan = project.adopt(independent(3))
    gate = tmp_path / "gate"
    gate.mkdir()
    wait = f"touch {gate}/begun-$OKSTRA_STAGE; while [ ! -e {gate}/go ]; do sleep 0.05; done"
    install(project, part({"run": wait}, *BUILD, role="executor"))
    run = f"--task-key {project.task_key} --task-type implementation --provider rehearsal --stage"
    (tmp_path / "runs.txt").write_text(f"{run} 1\n{run} 3\n{run} 1\n")
    fleet = write_fleet(tmp_path / "fleet", project)
    attached = slurm.start("batch", tmp_path / "runs.txt", "--on", fleet, "--json")
    eventually(lambda: {path.name for path in gate.iterdir()} == {"begun-1", "begun-3"})
    (gate / "go").touch()
    end = ended(attached)
    assert end.status == 0, end
    assert [(one["done"], one["commits"]) for one in end.data["placed"]] == [([1, 3], [])]
    assert statuses(project, plan) == ["done", "ready", "done"]


def test_where_slurm_does_not_answer_nothing_is_placed(project: Project, slurm: Okstra, tmp_path: Path) -> None:
    project.adopt(independent(1))
    install(project)
    end = ended(placing(project, slurm, write_fleet(tmp_path / "fleet", project, "licenses = true")))
    assert (end.status, end.codes) == (1, ["fleet-unreachable"]), end
    assert "Invalid license specification" in end.envelope["errors"][0]["message"]
    assert not (project.home / "worktrees" / "registry.json").exists() or not project.registry["stages"]


@pytest.mark.stress
@pytest.mark.skipif(shutil.which("sbatch") is None, reason="Slurm is not installed here")
def test_the_real_slurm_leads_the_stages_too(project: Project, tmp_path: Path) -> None:
    """Needs a running cluster, which `SLURM_CONF` or /etc/slurm describes."""
    named = {"SLURM_CONF": os.environ["SLURM_CONF"]} if "SLURM_CONF" in os.environ else {}
    if subprocess.run(["sinfo"], capture_output=True, timeout=90).returncode != 0:
        pytest.skip("no Slurm controller answers here")
    plan = project.adopt({1: (), 2: (), 3: (1, 2)})
    gate = tmp_path / "gate"
    gate.mkdir()
    wait = f"touch {gate}/begun; while [ ! -e {gate}/go ]; do sleep 0.05; done"
    install(project, part({"run": wait}, *BUILD, role="executor", stage="1"), part(*BUILD, role="executor"))
    variables = {name: value for name, value in project.okstra.environment.items() if name != "PATH"}
    exported = ",".join(f"{name}={value}" for name, value in variables.items() if "," not in value)
    fleet = write_fleet(tmp_path / "fleet", project, f'options = ["--export=PATH,{exported}"]')
    attached = placing(project, project.okstra, fleet, **named)
    eventually((gate / "begun").exists)
    rows = {job["stage"]: job for job in project.okstra.ok("fleet", "status", "--json", **named).data["jobs"]}
    handle = json.loads((project.home / "placed" / f"{rows[1]['job']}.json").read_text())["handle"]
    subprocess.run(["scancel", handle], check=True)
    (gate / "go").touch()
    end = ended(attached)
    assert end.status == 0, end
    assert statuses(project, plan) == ["done"] * 3
    assert "for the second time" in end.stderr


@pytest.mark.stress
def test_at_a_ctrl_c_jobs_are_left_or_cancelled_as_the_person_says(
    project: Project, slurm: Okstra, tmp_path: Path
) -> None:
    plan = project.adopt(independent(1))
    gate = tmp_path / "gate"
    gate.mkdir()
    wait = f"touch {gate}/begun; while [ ! -e {gate}/go ]; do sleep 0.05; done"
    install(project, part({"run": wait}, *BUILD, role="executor"))
    fleet = write_fleet(tmp_path / "fleet", project)
    words = ("run", "--task-key", project.task_key, "--task-type", "implementation", "--provider", "rehearsal")
    command = [str(ROOT / "bin" / "okstra"), *words, "--all-ready", "--on", str(fleet), "--yes"]

    def interrupted(answer: str) -> int:
        terminal = Terminal(command, project.repo.path, slurm.environment)
        eventually((gate / "begun").exists)
        terminal.wait_for("running")
        terminal.type(CTRL_C)
        terminal.then("cancel them? [y/N]", f"{answer}\r")
        return terminal.end()

    assert interrupted("n") == 130
    (job,) = slurm.ok("fleet", "status", "--json").data["jobs"]
    assert (job["engine"], job["ledger"]) == ("running", "running")
    run = f"{project.task_key}/implementation/stage-1/001"
    assert slurm.ok("fleet", "logs", run, "--json").data["job"] == job["job"]
    assert interrupted("y") == 130  # the same command found the job again
    assert slurm.ok("fleet", "status", "--json").data["jobs"] == []
    eventually(lambda: statuses(project, plan) == ["interrupted"])
    assert slurm("fleet", "cancel", job["job"], "--json").codes == ["not-found"]
    (gate / "go").touch()
    project.okstra.ok("resume", run)
    end = ended(placing(project, slurm, fleet))
    assert end.status == 0, end
