"""A contained agent of the Agent Client Protocol: what it gets of the home is a private copy, by the table's paths."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.agents.acp.provider import Acp
from okstra_ctl.agents.acp_agents import Agent
from okstra_ctl.agents.job import Report
from okstra_ctl.agents.runner import run_job
from okstra_ctl.errors import WorkFailed
from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox.agent_state import AgentFiles, agent_state
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.sandbox.client_state import take_home_abandoned
from okstra_ctl.sandbox.profile import Role
from okstra_ctl.services import open_services
from okstra_ctl.status import WorkerOutcome
from support import fake_clients, schemas
from support.contained_lab import Lab, can_contain, lab

LOGIN, NEWER = '{"token": "one"}', '{"token": "two"}'
STATE, LOGINS = (".config/mine/", ".mine.json"), (".local/share/mine/auth.json",)
# Says hello, opens a session, and answers the prompt with what its script printed.
_AGENT = """
import json, subprocess, sys
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        send(id=asked["id"], result={"protocolVersion": 1})
    if asked["method"] == "session/new":
        send(id=asked["id"], result={"sessionId": "s"})
    if asked["method"] == "session/prompt":
        text = subprocess.run(["sh", "-c", sys.argv[1]], capture_output=True, text=True).stdout
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
        send(method="session/update", params={"sessionId": "s", "update": update})
        send(id=asked["id"], result={"stopReason": "end_turn"})
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path / "machine") as made:
        for name, text in (
            (".config/mine/config.json", "settings"),
            (".config/mine/agents/one.md", "an agent"),
            (".config/other/config.json", "another program's"),
            (".local/share/mine/auth.json", LOGIN),
            (".local/share/mine/history.db", "private history"),
            (".mine.json", "beside"),
        ):
            (made.home / name).parent.mkdir(parents=True, exist_ok=True)
            (made.home / name).write_text(text)
        yield made


def played(machine: Lab, script: str, kind: Kind, *argv: str) -> Report:
    """Started by `argv`, with the script as its last word; or as a program of its own."""
    environment = {**machine.environment, "OKSTRA_SANDBOX": str(kind), "MINE_KEY": "k", "OTHER_KEY": "o"}
    program = machine.base / "bin" / "mine"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!{sys.executable}\n{_AGENT}")
    program.chmod(0o755)
    agent = Agent("mine", (*(argv or (str(program),)), script), variables=("MINE_*",), state=STATE, logins=LOGINS)
    drop = machine.drop
    job = fake_clients.job(machine.base / "job")._replace(
        provider=agent.provider,
        model="default",
        folder=str(machine.worktree),
        result=str(drop / "result.md"),
        audit=str(drop / "audit.md"),
        options=agent.to_settings(),
        containment=containment(
            sandbox_of(str(machine.project.path), open_services(environment)),
            Role.READER,
            str(machine.worktree),
            str(machine.project.path),
            results=(str(drop),),
            variables=("MINE_KEY",),
        ),
    )
    stop = threading.Event()
    return run_job(job, Acp(agent), stop=stop, inherited=environment, patience=fake_clients.PATIENCE)


_LOOK = """
cd ~; for one in .config/mine/config.json .config/mine/agents/one.md .mine.json .local/share/mine/auth.json; do
cat $one; echo; done
echo $(ls .config) $(ls .local/share/mine) $MINE_KEY $OTHER_KEY.
echo evil > .config/mine/config.json; echo new > .local/share/mine/history.db
echo '{"token": "two"}' > .local/share/mine/next && mv .local/share/mine/next .local/share/mine/auth.json
touch "$OLDPWD/written" || echo kept
"""


@pytest.mark.parametrize(
    "kind",
    [Kind.BWRAP, pytest.param(Kind.LANDLOCK, marks=pytest.mark.stress)],
)
def test_a_contained_agent_gets_copies_of_what_is_its_own_and_only_a_login_comes_home(machine: Lab, kind: Kind) -> None:
    if not can_contain(kind):
        pytest.skip(f"{kind} can't start here")
    report = played(machine, _LOOK, kind)
    assert report.outcome is WorkerOutcome.COMPLETED, report
    seen = ["settings", "an agent", "beside", LOGIN, "mine auth.json k .", "kept"]
    assert report.stream.last_message.splitlines() == seen
    home = machine.home
    assert (home / ".config/mine/config.json").read_text() == "settings"
    assert (home / ".local/share/mine/history.db").read_text() == "private history"
    assert json.loads((home / ".local/share/mine/auth.json").read_text()) == json.loads(NEWER)
    assert [name for name in os.listdir(machine.okstra_home / "sandbox") if name not in ("blank", ".lock")] == []


def test_a_script_that_the_command_line_names_is_seen_and_what_is_not_is_named_with_its_setting(machine: Lab) -> None:
    if not can_contain(Kind.BWRAP):
        pytest.skip("bubblewrap can't start here")
    program, unseen = machine.home / "dev" / "agent.py", machine.home / "dev" / "beside.py"
    program.parent.mkdir()
    program.write_text(_AGENT)
    unseen.write_text("")
    report = played(machine, "echo seen", Kind.BWRAP, sys.executable, str(program))
    assert (report.outcome, report.stream.last_message.strip()) == (WorkerOutcome.COMPLETED, "seen"), report
    program.write_text(f"open({str(unseen)!r})\n{_AGENT}")
    report = played(machine, "echo seen", Kind.BWRAP, sys.executable, str(program))
    assert report.outcome is not WorkerOutcome.COMPLETED
    assert "sandboxShow" in report.stream.message and "beside.py" in report.stream.message, report


def test_what_a_killed_okstra_left_is_taken_home_and_its_record_has_the_form_of_its_schema(machine: Lab) -> None:
    folder = machine.okstra_home / "sandbox" / "one"
    wanted = AgentFiles("mine", STATE, LOGINS)
    with agent_state("acp:mine", wanted, str(folder), machine.environment) as state:
        record = json.loads((folder / "state.json").read_text())
        assert schemas.faults(record, "client-state") == []
        Path(state.copy, ".local/share/mine/auth.json").write_text(NEWER)
        kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (machine.home / ".local/share/mine/auth.json").write_text(LOGIN)
    record["owner"]["start_time"] = "0"  # of a process that is gone
    for path, data in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(json.dumps(record).encode() if path.name == "state.json" else data)
    take_home_abandoned(str(folder.parent))
    assert (machine.home / ".local/share/mine/auth.json").read_text() == NEWER
    assert not folder.exists()


def test_folders_that_a_variable_moved_are_found(machine: Lab, tmp_path: Path) -> None:
    (tmp_path / "moved" / "mine").mkdir(parents=True)
    (tmp_path / "moved" / "mine" / "config.json").write_text("elsewhere")
    environment = {**machine.environment, "XDG_CONFIG_HOME": str(tmp_path / "moved")}
    folder = machine.okstra_home / "sandbox" / "one"
    with agent_state("acp:mine", AgentFiles("mine", STATE, ()), str(folder), environment) as state:
        assert Path(state.copy, ".config/mine/config.json").read_text() == "elsewhere"
        assert str(tmp_path / "moved" / "mine") in [bind.target for bind in state.binds]
        assert dict(state.beside)["XDG_CONFIG_HOME"] == str(Path(state.copy, ".config"))


def test_state_without_measure_is_not_copied(machine: Lab) -> None:
    for number in range(33):
        (machine.home / ".config/mine" / f"{number}.bin").write_bytes(bytes(2 * 1024 * 1024))
    folder = machine.okstra_home / "sandbox" / "one"
    with pytest.raises(WorkFailed) as refused:
        with agent_state("acp:mine", AgentFiles("mine", STATE, ()), str(folder), machine.environment):
            pass
    assert "agents.mine.state" in refused.value.hint and not folder.exists()
