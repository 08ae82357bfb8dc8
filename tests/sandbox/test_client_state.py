"""A worker's client has a private copy of its folder; transcripts and a refreshed login come home, nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from okstra_ctl.agents.job import Job, Launch, Report
from okstra_ctl.agents.runner import run_job
from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.sandbox.client_state import private_state, take_home_abandoned
from okstra_ctl.sandbox.profile import Role
from okstra_ctl.services import open_services
from okstra_ctl.status import WorkerOutcome
from support import fake_clients, schemas
from support.contained_lab import Lab, can_contain, lab
from support.fake_clients import PATIENCE, Shell

LOGIN = '{"token": "one", "expires": 1}'
needs_bwrap = pytest.mark.skipif(not can_contain(Kind.BWRAP), reason="bubblewrap can't start here")


class AsClient(Shell):
    """A shell script in the place of a client, with the environment that it is given."""

    def __init__(self, name: str, script: str) -> None:
        super().__init__(script)
        self.name = name

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        return Launch(("bash", "-c", f"{self.script}\necho ok > {job.result}\necho; echo DONE"), b"", inherited)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path / "machine") as made:
        for client, login in (
            (".claude", ".credentials.json"),
            (".codex", "auth.json"),
            (".gemini", "oauth_creds.json"),
        ):
            (made.home / client / "skills" / "mine").mkdir(parents=True)
            (made.home / client / "skills" / "mine" / "SKILL.md").write_text("mine\n")
            (made.home / client / login).write_text(LOGIN)
            (made.home / client / "settings.json").write_text("{}")
        (made.home / ".claude.json").write_text('{"theme": "dark"}')
        for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
            made.environment.pop(name)
        yield made


def played(machine: Lab, client: str, script: str, kind: Kind = Kind.BWRAP) -> Report:
    environment = {**machine.environment, "OKSTRA_SANDBOX": str(kind)}
    services = open_services(environment)
    drop = machine.drop
    job = fake_clients.job(machine.base / "job")._replace(
        provider=client,
        folder=str(machine.worktree),
        result=str(drop / "result.md"),
        audit=str(drop / "audit.md"),
        containment=containment(
            sandbox_of(str(machine.project.path), services),
            Role.READER,
            str(machine.worktree),
            str(machine.project.path),
            results=(str(drop),),
        ),
    )
    return run_job(job, AsClient(client, script), stop=threading.Event(), inherited=environment, patience=PATIENCE)


def _left(machine: Lab) -> list[str]:
    return [name for name in os.listdir(machine.okstra_home / "sandbox") if name not in ("blank", ".lock")]


@needs_bwrap
@pytest.mark.parametrize("client", ["claude", "codex", "gemini"])
def test_a_client_sees_its_settings_and_login_and_no_others(machine: Lab, client: str) -> None:
    report = played(
        machine, client, "cd ~; ls -d .claude .codex .gemini; cat .*/settings.json .*/*auth*.json .*/.cred*; true"
    )
    assert report.outcome is WorkerOutcome.COMPLETED, report
    text = (machine.base / "job" / "logs" / "worker.log").read_text()
    assert [name for name in (".claude", ".codex", ".gemini") if f"{name}\n" in text] == [f".{client}"]


@needs_bwrap
def test_a_hook_that_a_worker_leaves_in_its_settings_stays_in_the_copy(machine: Lab) -> None:
    hook = '{"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "touch ~/pwned"}]}]}}'
    script = f"cd ~/.claude && echo '{hook}' > settings.json && echo evil >> CLAUDE.md && mkdir agents hooks"
    assert played(machine, "claude", f"{script}; touch skills/mine/x").outcome is WorkerOutcome.COMPLETED
    assert (machine.home / ".claude" / "settings.json").read_text() == "{}"
    assert sorted(os.listdir(machine.home / ".claude")) == [".credentials.json", "settings.json", "skills"]
    assert os.listdir(machine.home / ".claude" / "skills" / "mine") == ["SKILL.md"]
    assert _left(machine) == []


@needs_bwrap
def test_transcripts_come_home_and_never_over_one_that_is_there(machine: Lab) -> None:
    there = machine.home / ".claude" / "projects" / "p" / "old.jsonl"
    there.parent.mkdir(parents=True)
    there.write_text("old\n")
    secret = "ln -s ~/.claude/.credentials.json link.jsonl; echo x > note.txt"
    script = f"mkdir -p ~/.claude/projects/p/s; cd ~/.claude/projects/p; echo new > new.jsonl; {secret}"
    assert (
        played(machine, "claude", f"{script}; echo evil > old.jsonl; echo sub > s/agent-1.jsonl").outcome
        is WorkerOutcome.COMPLETED
    )
    assert there.read_text() == "old\n"
    assert (there.parent / "new.jsonl").read_text() == "new\n"
    assert (there.parent / "s" / "agent-1.jsonl").read_text() == "sub\n"
    assert sorted(os.listdir(there.parent)) == ["new.jsonl", "old.jsonl", "s"]


@needs_bwrap
def test_a_transcripts_folder_that_became_a_link_brings_nothing_home(machine: Lab) -> None:
    script = f"rm -rf ~/.claude/projects; ln -s {machine.home}/.codex ~/.claude/projects"
    assert played(machine, "claude", script).outcome is WorkerOutcome.COMPLETED
    assert not (machine.home / ".claude" / "projects").exists()


@needs_bwrap
def test_a_refreshed_login_comes_home(machine: Lab) -> None:
    new = '{"token": "two", "expires": 2}'
    played(machine, "claude", f"echo '{new}' > ~/.claude/.credentials.json")
    assert json.loads((machine.home / ".claude" / ".credentials.json").read_text()) == json.loads(new)


@needs_bwrap
@pytest.mark.parametrize("left", ["not json", '{"other": 1}', ""])
def test_a_login_of_another_shape_does_not(machine: Lab, left: str) -> None:
    played(machine, "claude", f"echo '{left}' > ~/.claude/.credentials.json")
    assert (machine.home / ".claude" / ".credentials.json").read_text() == LOGIN


def test_a_login_that_the_person_refreshed_meanwhile_is_kept(machine: Lab) -> None:
    folder = machine.okstra_home / "sandbox" / "one"
    real = machine.home / ".codex" / "auth.json"
    with private_state("codex", str(folder), machine.environment) as state:
        real.write_text('{"token": "of the person", "expires": 3}')
        Path(state.copy, "auth.json").write_text('{"token": "of the worker", "expires": 2}')
    assert "of the person" in real.read_text()
    assert not folder.exists()


def test_what_a_killed_okstra_left_is_taken_home_by_the_next_run(machine: Lab) -> None:
    program = (
        "import os, signal, sys\n"
        "from okstra_ctl.sandbox.client_state import private_state\n"
        "with private_state('claude', sys.argv[1], os.environ) as state:\n"
        "    os.makedirs(state.copy + '/projects/p')\n"
        "    open(state.copy + '/projects/p/a.jsonl', 'w').write('kept')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    folder = machine.okstra_home / "sandbox" / "one"
    subprocess.run([sys.executable, "-c", program, str(folder)], env=machine.environment, check=False)
    assert schemas.faults_of_file(folder / "state.json") == []
    take_home_abandoned(str(folder.parent))
    assert (machine.home / ".claude" / "projects" / "p" / "a.jsonl").read_text() == "kept"
    assert not folder.exists()


def test_what_a_living_okstra_uses_is_left_alone(machine: Lab) -> None:
    folder = machine.okstra_home / "sandbox" / "one"
    with private_state("claude", str(folder), machine.environment) as state:
        take_home_abandoned(str(folder.parent))
        assert os.path.exists(state.copy)


@needs_bwrap
def test_a_client_that_is_not_there_is_named(machine: Lab) -> None:
    report = played(machine, "claude", "true")
    assert report.outcome is WorkerOutcome.COMPLETED

    class Gone(AsClient):
        def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
            return Launch(("no-such-client",), b"", inherited)

    job = fake_clients.job(machine.base / "job2")
    services = open_services({**machine.environment, "OKSTRA_SANDBOX": "bwrap"})
    contained = containment(
        sandbox_of(str(machine.project.path), services), Role.READER, str(machine.worktree), str(machine.project.path)
    )
    job = job._replace(folder=str(machine.worktree), containment=contained)
    gone = run_job(job, Gone("shell", ""), stop=threading.Event(), inherited=machine.environment, patience=PATIENCE)
    assert gone.outcome is WorkerOutcome.NOT_RUN
    assert gone.stream.message == "no-such-client is not on the PATH"
