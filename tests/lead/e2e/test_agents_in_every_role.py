"""Agents that speak the Agent Client Protocol and nothing else do every role of led runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import answers, events_of, executed, finding, install, manifest_of, part, report_of, result
from support.sealed import ROOT

PLAYER = ROOT / "tests" / "support" / "acp_player.py"


def agents(project: Project, *parts: dict[str, Any], **models: str) -> None:
    """Agents of these names play the parts; `models` are the models that they report."""
    script = project.repo.path / ".okstra" / "script.toml"
    argv = [sys.executable, str(PLAYER), str(script)]
    given = {name: {"argv": argv, "env": {"PLAYED_MODEL": model}} for name, model in models.items()}
    install(project, *parts, agents=given)


def led(project: Project, task_type: str, *more: str) -> Ended:
    flags = ("--lead", "auto", "--yes", "--json", *project.brief_for(task_type))
    return project.okstra("run", "--task-key", project.task_key, "--task-type", task_type, *flags, *more)


def built(project: Project, *more: str, **models: str) -> Ended:
    project.adopt(independent(1))
    write = {"write": {"path": "stage-1/it.py", "content": "# stage 1\n"}}
    parts = part(write, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor")
    agents(project, parts, **models)
    ended = led(project, "implementation", *more)
    assert ended.status == 0, ended
    assert Path(ended.data["worktree"]["path"], "stage-1", "it.py").read_text() == "# stage 1\n"
    return ended


def test_an_implementation_is_built_verified_and_reported_over_the_protocol(project: Project) -> None:
    ended = built(project, "--workers", "acp:one", "--quorum", "1", one="openai/gpt-played")
    roles = {worker["id"]: worker["role"] for worker in manifest_of(ended)["roster"]}
    own = {"acp-one-executor": "executor", "acp-one-verifier": "verifier", "report-writer": "report-writer"}
    assert roles == own
    done = {event["worker"]: event for event in events_of(ended) if event["event"] == "ended"}
    assert {name: one["outcome"] for name, one in done.items()} == dict.fromkeys(roles, "completed")
    assert {one["model"] for one in done.values()} == {"openai/gpt-played"}
    assert done["acp-one-executor"]["usage"]["input"] == 1000


_LIMITED = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"result": {"protocolVersion": 1, "sessionId": "s"}}
    if asked["method"] == "session/prompt":
        text = {"message": "You have hit your usage limit. Try again in 20 hours 3 minutes."}
        answer = {"error": {"code": -32603, "message": "Internal error", "data": text}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


def test_a_quota_that_ends_tomorrow_starts_an_agent_once_in_all_its_roles(project: Project, tmp_path: Path) -> None:
    program = tmp_path / "limited.py"
    program.write_text(_LIMITED)
    config = project.home / "config.json"
    agents(project, other="anthropic/claude-played")
    known = json.loads(config.read_text())["agents"]
    config.write_text(json.dumps({"agents": {**known, "limited": {"argv": [sys.executable, str(program)]}}}))
    ended = led(project, "error-analysis", "--workers", "acp:limited,acp:other", "--quorum", "1")
    mine = {worker["id"] for worker in manifest_of(ended)["roster"] if worker["provider"] == "acp:limited"}
    assert mine == {"acp-limited", "report-writer"}
    ends = [row for row in events_of(ended) if row["event"] == "ended" and row["worker"] in mine]
    assert {row["worker"] for row in ends} == mine and {row["outcome"] for row in ends} == {"quota"}
    assert [row["starts"] for row in ends if row["starts"]] == [1]
    assert len({row["again_at"] for row in ends}) == 1


@pytest.mark.stress
def test_two_agents_whose_models_are_of_two_families_are_two_voices(project: Project) -> None:
    roster = ("--executor", "acp:builder", "--workers", "acp:critic", "--report-writer", "acp:critic")
    ended = built(project, *roster, builder="openai/gpt-played", critic="anthropic/claude-played")
    assert {one["family"] for one in report_of(ended)["voices"]["families"]} == {"gpt", "claude"}


@pytest.mark.stress
def test_two_agents_of_one_model_are_one_voice_whatever_they_are_called(project: Project) -> None:
    agents(project, one="some/odd-model", other="gateway/odd-model")
    project.okstra.ok("config", "set", "agents.one.family", "claude")
    project.okstra.ok("config", "set", "agents.other.family", "gpt")
    refused = led(project, "error-analysis", "--workers", "acp:one,acp:other")
    assert refused.codes == ["quorum-unreachable"]
    assert "acp:one, acp:other are one voice" in refused.envelope["errors"][0]["message"]


@pytest.mark.stress
@pytest.mark.parametrize("task_type", ["requirements-discovery", "error-analysis", "implementation-planning"])
def test_analysts_planners_and_writers_work_over_the_protocol(project: Project, task_type: str) -> None:
    project.repo.commit({"README.md": "# heading\n"})
    claims = part(
        {"result": result(finding("high", "It is wrong", "README.md:1 `# heading`"))}, role="analyst", round=""
    )
    verdicts = part({"result": answers(G_001="AGREE")}, round=["1", "2"])
    agents(project, claims, verdicts, one="openai/gpt-played", other="anthropic/claude-played")
    ended = led(project, task_type, "--workers", "acp:one,acp:other")
    assert ended.status == 0, ended
    assert {one["provider"] for one in manifest_of(ended)["roster"]} == {"acp:one", "acp:other"}
    assert [one["family"] for one in report_of(ended)["voices"]["families"]] == ["gpt", "claude"]
