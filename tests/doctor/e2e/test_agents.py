"""Agents of the protocol are started and greeted, and no model is asked: installed, needs login, ready."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.doctor.agents import check_rows
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.services import open_services
from okstra_ctl.settings.setup import CheckStatus
from support import schemas
from support.contained_lab import can_contain
from support.okstra import Project

_GREETS = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        answer = {"result": {"protocolVersion": 1, "agentInfo": {"name": "mine", "version": "7.1"}}}
    elif sys.argv[1:] == ["login"]:
        answer = {"error": {"code": -32000, "message": "Authentication required"}}
    else:
        models = [{"value": one, "name": one} for one in ("acme/small", "acme/large")]
        option = {"id": "m", "name": "M", "category": "model", "type": "select", "currentValue": "acme/small"}
        answer = {"result": {"sessionId": "s", "configOptions": [{**option, "options": models}]}}
    if asked["method"] == "session/prompt":
        raise SystemExit("a model was asked")
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


@pytest.fixture
def greeting(project: Project, tmp_path: Path) -> list[str]:
    path = tmp_path / "greets.py"
    path.write_text(_GREETS)
    project.home.mkdir(mode=0o700, exist_ok=True)
    return [sys.executable, str(path)]


def agents(project: Project, **given: dict[str, Any]) -> None:
    (project.home / "config.json").write_text(json.dumps({"agents": given}))


def test_the_agents_are_listed_with_their_state(project: Project, greeting: list[str]) -> None:
    agents(
        project,
        mine={"argv": greeting},
        closed={"argv": [*greeting, "login"], "login": "mine login"},
        absent={"argv": ["no-such-agent"]},
    )
    assert project.okstra("agents", "--no-such-flag").status == project.okstra("agents", "mine").status == 2
    listed = project.okstra.ok("agents", "--json")
    assert schemas.faults(listed.envelope, "envelope") == []
    rows = {row["provider"]: row for row in listed.data["agents"]}
    assert {"claude", "codex", "gemini", "acp:opencode", "acp:goose"} <= set(rows)
    ready = {"program": sys.executable, "state": "ready", "version": "7.1", "detail": "", "remedy": ""}
    models = {"model": "acme/small", "models": ["acme/small", "acme/large"]}
    assert rows["acp:mine"] == {"provider": "acp:mine", **ready, **models}
    assert (rows["acp:closed"]["state"], rows["acp:closed"]["remedy"]) == ("needs login", "mine login")
    assert rows["acp:absent"]["state"] == "not installed"
    assert "config.json" in rows["acp:absent"]["remedy"]


def test_the_doctor_greets_the_agents_that_a_person_named(project: Project) -> None:
    project.home.mkdir(mode=0o700, exist_ok=True)
    agents(project, broken={"argv": ["false"], "install": "npm i it"}, absent={"argv": ["no-such-agent"]})
    services = open_services({**project.okstra.environment, "PATH": "/usr/bin:/bin"})
    rows = {row.check: row for row in check_rows(services)}
    broken = rows["acp:broken"]
    assert (broken.status, broken.remedy) == (CheckStatus.WARN, "npm i it")
    assert broken.detail == "installed: it ended with 1 before it answered initialize"
    assert (rows["acp:absent"].status, set(rows)) == (CheckStatus.FAIL, {"acp:broken", "acp:absent"})


_WANTS = """
import os, sys
if not os.path.exists(os.path.expanduser("~/.mine/key")):
    sys.exit("no key")
sys.argv.pop(1)
"""


def test_an_agent_that_starts_only_outside_its_sandbox_is_not_ready(project: Project, tmp_path: Path) -> None:
    """As a worker it would not start; with what it needs shown it is ready, in the sandbox."""
    if not can_contain(Kind.BWRAP):
        pytest.skip("no sandbox can start here")
    program = tmp_path / "wants.py"
    program.write_text(_WANTS + _GREETS)
    environment = {**project.okstra.environment, "OKSTRA_SANDBOX": "bwrap"}
    key = Path(environment["HOME"]) / ".mine" / "key"
    key.parent.mkdir()
    key.write_text("k")
    project.home.mkdir(mode=0o700, exist_ok=True)
    given = {"argv": [sys.executable, str(program), "x"]}
    agents(project, mine=given, shown={**given, "state": [".mine/"]})
    services = open_services(environment)
    rows = {row.check: row for row in check_rows(services)}
    mine = rows["acp:mine"]
    assert (mine.status, rows["acp:shown"].status) == (CheckStatus.WARN, CheckStatus.OK), rows
    assert mine.detail.startswith("ready only outside its sandbox: it ended with 1 before it answered initialize")
    assert "okstra config set sandboxShow" in mine.remedy and "agents.mine.state" in mine.remedy
    words = ("--task-type", "error-analysis", "--workers", "acp:mine", "--lead", "auto", "--yes", "--json")
    brief = project.brief_for("error-analysis")
    refused = project.okstra("run", "--task-key", project.task_key, *words, *brief, OKSTRA_SANDBOX="bwrap")
    assert refused.codes == ["client-missing"], refused
    assert "acp:mine: ready only outside its sandbox" in refused.envelope["errors"][0]["message"]
    agents(project, mine=given)
    watched = {row.check: row for row in check_rows(open_services({**environment, "OKSTRA_SANDBOX": "off"}))}
    assert watched["acp:mine"].status is CheckStatus.OK
    left = {path.name for path in (project.home / "sandbox").iterdir()}
    assert left == {".lock", "blank"}, "no copy of its state stays"


def test_no_agent_is_ready_where_a_sandbox_is_required_and_cant_start(project: Project, tmp_path: Path) -> None:
    """It is not started without one to look, either."""
    program = tmp_path / "greets.py"
    program.write_text(f"open({str(tmp_path / 'started')!r}, 'w').close()\n{_GREETS}")
    project.home.mkdir(mode=0o700, exist_ok=True)
    given = {"mine": {"argv": [sys.executable, str(program)]}, "absent": {"argv": ["no-such-agent"]}}
    (project.home / "config.json").write_text(json.dumps({"agents": given, "sandboxRequired": True}))
    environment = {**project.okstra.environment, "OKSTRA_SANDBOX": "off"}
    mine = {row.check: row for row in check_rows(open_services(environment))}["acp:mine"]
    assert (mine.status, mine.remedy) == (CheckStatus.WARN, "okstra doctor")
    assert mine.detail.startswith("installed: workers are to be contained, and can't be"), mine
    listed = project.okstra.ok("agents", "--json", OKSTRA_SANDBOX="off").data["agents"]
    rows = {row["provider"]: row for row in listed}
    assert not [row for row in listed if row["state"] == "ready"], rows
    assert rows["acp:absent"]["state"] == "not installed"
    assert rows["acp:mine"]["detail"] in mine.detail
    words = ("--task-type", "error-analysis", "--workers", "acp:mine", "--lead", "auto", "--yes", "--json")
    brief = project.brief_for("error-analysis")
    refused = project.okstra("run", "--task-key", project.task_key, *words, *brief, OKSTRA_SANDBOX="off")
    assert refused.codes == ["sandbox-missing"], refused
    assert not (tmp_path / "started").exists()


def test_a_run_asks_for_an_agent_that_is_ready_before_it_starts(project: Project, greeting: list[str]) -> None:
    agents(project, closed={"argv": [*greeting, "login"], "login": "mine login"})
    words = ("--task-type", "error-analysis", "--workers", "acp:closed", "--lead", "auto", "--yes", "--json")
    brief = project.brief_for("error-analysis")
    refused = project.okstra("run", "--task-key", project.task_key, *words, *brief)
    assert "client-missing" in refused.codes, refused
    error = refused.envelope["errors"][0]
    assert "acp:closed: needs login" in error["message"] and "mine login" in error["try"]


def test_a_setting_of_an_agent_is_checked_when_it_is_set(project: Project) -> None:
    project.okstra.ok("config", "set", "agents.mine.argv", "my-agent", "acp")
    project.okstra.ok("config", "set", "agents.opencode.model", "openai/gpt-5.6")
    refused = project.okstra("config", "set", "agents.mine.state", "/etc/", "--json")
    assert refused.codes == ["bad-config"]


def test_init_finds_an_agent_of_the_protocol_by_its_program(project: Project, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "opencode").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "opencode").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{project.okstra.environment['PATH']}"
    assert "acp:opencode" in project.okstra.ok("init", "--yes", "--json", PATH=path).data["agents"]
