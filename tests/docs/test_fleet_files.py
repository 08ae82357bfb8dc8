"""The files of docs/how-to/fleet/: each is read by a parser of its kind, and its command is run as it stands."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.okstra import Project
from support.plans import independent
from support.sealed import ROOT

FOLDER = ROOT / "docs" / "how-to" / "fleet"


def github() -> str:
    workflow: dict[str, Any] = yaml.safe_load((FOLDER / "github-actions.yml").read_text())
    job = workflow["jobs"]["work"]
    assert job["strategy"]["fail-fast"] is False
    assert len(job["strategy"]["matrix"]["worker"]) > 1
    expressions = re.findall(r"\$\{\{ *([\w.-]+) *\}\}", (FOLDER / "github-actions.yml").read_text())
    assert {one.partition(".")[0] for one in expressions} <= {"github", "matrix", "secrets", "inputs"}
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert not any("${{" in script for script in scripts)  # nobody's input becomes a shell's words
    (script,) = [script for script in scripts if "okstra work" in script]
    return str(script)


def kubernetes() -> str:
    job: dict[str, Any] = yaml.safe_load((FOLDER / "kubernetes-job.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed" and spec["parallelism"] == spec["completions"]
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # a podFailurePolicy asks for it
    (container,) = spec["template"]["spec"]["containers"]
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["containerName"] == container["name"]
    (script,) = container["args"]
    return next(line for line in script.splitlines() if "okstra work" in line)


def systemd() -> str:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(FOLDER / "okstra-work@.service")
    service = unit["Service"]
    assert set(service["RestartPreventExitStatus"].split()) >= {"1", "3"}
    return service["ExecStart"].replace("%i", "1").replace("%m", "0123abcd" * 4).replace("${TASK}", '"$TASK"')


def sbatch() -> str:
    script = (FOLDER / "work.sbatch").read_text()
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    options = [shlex.split(line[8:])[0] for line in script.splitlines() if line.startswith("#SBATCH ")]
    assert {option.partition("=")[0] for option in options} >= {"--array", "--requeue", "--output"}
    return script


PLACES: dict[str, Callable[[], str]] = {
    "github": github,
    "kubernetes": kubernetes,
    "systemd": systemd,
    "sbatch": sbatch,
}
GIVEN = {
    "WORKER": "77-1",
    "JOB_NAME": "okstra-work",
    "JOB_COMPLETION_INDEX": "1",
    "SLURM_ARRAY_JOB_ID": "5",
    "SLURM_ARRAY_TASK_ID": "1",
}


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs" / "how-to" / "fleet.md").read_text()
    assert set(re.findall(r"\(fleet/([^)]+)\)", page)) == {path.name for path in FOLDER.iterdir()}
    assert len(PLACES) == len(list(FOLDER.iterdir()))


def test_each_command_works_on_the_task(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    assert project.finish(project.run_stage()).status == 0
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "okstra").symlink_to(ROOT / "bin" / "okstra")
    environment = {**project.okstra.environment, **GIVEN, "TASK": project.task_key}
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    for name, script_of in PLACES.items():
        script = script_of()
        ended = subprocess.run(["bash", "-c", script], cwd=project.repo.path, env=environment, capture_output=True)
        assert ended.returncode == 0, (name, ended)
        assert b"final-verification" in ended.stdout, (name, ended)


@pytest.mark.parametrize("name", PLACES)
def test_each_worker_has_a_name_of_its_own_that_it_keeps(name: str) -> None:
    job = re.search(r"--job[ =](\S+)", PLACES[name]())
    assert job is not None and ("$" in job[1] or name == "systemd"), job


def test_no_two_machines_or_jobs_at_once_work_under_one_name() -> None:
    """The same name takes a stage over from whoever is at work on it."""
    unit, manifest = ((FOLDER / name).read_text() for name in ("okstra-work@.service", "kubernetes-job.yaml"))
    assert "--job systemd-%m-%i" in unit
    (container,) = yaml.safe_load(manifest)["spec"]["template"]["spec"]["containers"]
    fields = {
        one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"] for one in container["env"] if "fieldRef" in str(one)
    }
    assert fields == {"JOB_NAME": "metadata.labels['batch.kubernetes.io/job-name']"}
    assert "k8s-$JOB_NAME-$JOB_COMPLETION_INDEX" in kubernetes()
