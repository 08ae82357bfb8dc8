"""The files of docs/how-to/fleet/: each is read by a parser of its kind, and its command is run as it stands."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from support.machines import Farm
from support.plans import independent
from support.rehearsal import executed, install, part
from support.sealed import ROOT, sealed_environment

FOLDER = ROOT / "docs" / "how-to" / "fleet"


class Played(NamedTuple):
    """The lines of a file, as a shell gets them, and the variables that the file gives them."""

    script: str
    variables: dict[str, str]


def github() -> Played:
    text = (FOLDER / "github-actions.yml").read_text()
    workflow: dict[str, Any] = yaml.safe_load(text)
    job = workflow["jobs"]["work"]
    assert job["strategy"]["fail-fast"] is False
    assert len(job["strategy"]["matrix"]["worker"]) > 1
    expressions = re.findall(r"\$\{\{ *([\w.-]+) *\}\}", text)
    assert {one.partition(".")[0] for one in expressions} <= {"github", "matrix", "secrets", "inputs"}
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert not any("${{" in script for script in scripts)  # nobody's input becomes a shell's words
    _, *played = scripts  # the first installs okstra and the agent
    given = {"github.workspace": "$PWD", "github.run_id": "77", "matrix.worker": "1"}
    variables = {
        name: re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda one: given.get(one[1], "given"), value)
        for name, value in job["env"].items()
    }
    return Played("\n".join(played), variables)


def kubernetes() -> Played:
    job: dict[str, Any] = yaml.safe_load((FOLDER / "kubernetes-job.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed" and spec["parallelism"] == spec["completions"]
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # a podFailurePolicy asks for it
    (container,) = spec["template"]["spec"]["containers"]
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["containerName"] == container["name"]
    (script,) = container["args"]
    assert container["command"] == ["/bin/sh", "-ec"]
    variables = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    volume = str(Path(container["workingDir"]).parent)
    variables["OKSTRA_HOME"] = variables["OKSTRA_HOME"].replace(volume, "$PWD/..")
    assert all(isinstance(value, str) for value in variables.values())  # a digest of digits alone, too
    return Played(script, variables)


def systemd() -> Played:
    text = (FOLDER / "okstra-work@.service").read_text()
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    service = unit["Service"]
    assert set(service["RestartPreventExitStatus"].split()) >= {"1", "3"}
    lines = [service["ExecStartPre"], service["ExecStart"].replace("%i", "1").replace("%m", "0123abcd" * 4)]
    variables = dict(line.split("=", 1) for line in re.findall(r"^#   ([A-Z_]+=.*)$", text, re.MULTILINE))
    return Played("\n".join(re.sub(r"\$\{(\w+)\}", r'"$\1"', line) for line in lines), variables)


def sbatch() -> Played:
    script = (FOLDER / "work.sbatch").read_text()
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    options = [shlex.split(line[8:])[0] for line in script.splitlines() if line.startswith("#SBATCH ")]
    assert {option.partition("=")[0] for option in options} >= {"--array", "--requeue", "--output"}
    return Played(script, {})


PLACES: dict[str, Callable[[], Played]] = {
    "github": github,
    "kubernetes": kubernetes,
    "systemd": systemd,
    "sbatch": sbatch,
}
GIVEN = {
    "JOB_NAME": "okstra-work",
    "JOB_COMPLETION_INDEX": "1",
    "SLURM_ARRAY_JOB_ID": "5",
    "SLURM_ARRAY_TASK_ID": "1",
}
BUILD = (
    {"run": "mkdir -p stage-$OKSTRA_STAGE && echo '#' > stage-$OKSTRA_STAGE/it.py"},
    {"commit": "feat: stage {{STAGE}}"},
    {"result": executed(1, 2)},
)


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs" / "how-to" / "fleet.md").read_text()
    assert set(re.findall(r"\(fleet/([^)]+)\)", page)) == {path.name for path in FOLDER.iterdir()}
    assert len(PLACES) == len(list(FOLDER.iterdir()))


class Shop:
    """A remote with an approved plan, whose settings run commands, and machines that nobody prepared: no name in git,
    nothing trusted, no okstra home."""

    def __init__(self, folder: Path, stages: int) -> None:
        self.farm, self.folder = Farm(folder / "farm"), folder
        self.lead = self.farm.machine("lead")
        install(self.lead, part(*BUILD, role="executor"))
        self.lead.repo.git("add", "--force", ".okstra/script.toml", ".okstra/project.json")
        self.lead.repo.git("commit", "--quiet", "-m", "Rehearse")
        self.lead.repo.git("push", "--quiet", "origin", "main")
        self.plan = self.farm.approve(self.lead, independent(stages))

    def play(self, place: str) -> subprocess.CompletedProcess[bytes]:
        """Runs the file's lines on a machine of its own."""
        played, at = PLACES[place](), self.folder / place
        (at / "home").mkdir(parents=True)
        environment = sealed_environment(at / "home")
        del environment["OKSTRA_TRUST"]
        alone = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}
        clone, digest = at / "shop", self.farm.shared(self.lead.task_key)["approval"]["digest"]
        variables = {name: value.replace("$PWD", str(clone)) for name, value in played.variables.items()}
        home = variables.get("OKSTRA_HOME", environment["OKSTRA_HOME"])
        assert Path(home).resolve().is_relative_to(at.resolve()), f"{place} would write to {home}"
        environment = {**environment, **alone, **GIVEN, **variables, "TASK": self.lead.task_key, "DIGEST": digest}
        environment["PATH"] = f"{self._programs()}:{environment['PATH']}"
        script = played.script.replace("git@git.example:shop.git", self.farm.url)
        clone.mkdir()
        if script == played.script:  # where the file does not clone, the machine has a clone
            subprocess.run(["git", "clone", "--quiet", self.farm.url, str(clone)], env=environment, check=True)
        return subprocess.run(["bash", "-ec", script], cwd=clone, env=environment, capture_output=True)

    def _programs(self) -> Path:
        """An okstra whose agents rehearse."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        door = folder / "okstra"
        words = 'if [ "$1" = work ]; then set -- "$@" --with "--provider rehearsal"; fi'
        door.write_text(f'#!/bin/sh\n{words}\nexec {shlex.quote(str(ROOT / "bin" / "okstra"))} "$@"\n')
        door.chmod(0o755)
        return folder

    def done(self) -> list[str]:
        """Who committed each done stage."""
        stages = self.farm.shared(self.lead.task_key)["stages"].values()
        bare = str(self.farm.bare)
        return [self.lead.repo.git("-C", bare, "show", "-s", "--format=%an %cn", stage["head"]) for stage in stages]


def test_each_file_works_on_a_machine_that_nobody_prepared(tmp_path: Path) -> None:
    """The first does the stage, the others take the merge over."""
    shop = Shop(tmp_path, 1)
    for name in PLACES:
        ended = shop.play(name)
        assert ended.returncode == 0, (name, ended)
        assert b"final-verification" in ended.stdout, (name, ended)
    assert shop.done() == ["okstra okstra"]


@pytest.mark.stress
@pytest.mark.parametrize("name", PLACES)
def test_each_file_does_stages_on_a_machine_that_nobody_prepared(tmp_path: Path, name: str) -> None:
    shop = Shop(tmp_path, 2)
    ended = shop.play(name)
    assert ended.returncode == 0, ended
    assert shop.done() == ["okstra okstra"] * 2


@pytest.mark.parametrize("name", PLACES)
def test_each_worker_has_a_name_of_its_own_that_it_keeps(name: str) -> None:
    job = re.search(r"--job[ =](\S+)", PLACES[name]().script)
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
    assert "k8s-$JOB_NAME-$JOB_COMPLETION_INDEX" in kubernetes().script
