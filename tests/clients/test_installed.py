"""The real claude sees what `okstra install` put into a home, takes a skill up, and finds the plugin in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.sealed import ROOT

from .install import BIN, installed
from .lab import Lab
from .model_server import ModelServer
from .wires import Turn

FOR_PEOPLE = {f"okstra-{name}" for name in ("lead", "run", "setup", "inspect", "brief", "schedule", "memory")}
"""What init names: the others are for the model alone, and stand in the listing that it gets."""
SKILLS = {"okstra-lead", *(path.parent.name for path in (ROOT / "skills").glob("*/SKILL.md"))}
AGENTS = {path.stem for path in (ROOT / "agents").glob("*-worker.md")}


@pytest.fixture
def claude(tmp_path: Path) -> Lab:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    return Lab(tmp_path, "claude")


def environment(lab: Lab, server: ModelServer) -> dict[str, str]:
    found = lab.environment(server)
    path = f"{ROOT / 'bin'}:{found['PATH']}"
    return {**found, "PATH": path, "OKSTRA_HOME": str(lab.home / ".okstra"), "OKSTRA_PYTHON": sys.executable}


def call(lab: Lab, server: ModelServer, *argv: str) -> str:
    ended = subprocess.run(
        argv, cwd=lab.repo.path, env=environment(lab, server), capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, (argv, ended.stdout, ended.stderr)
    return ended.stdout


def told(lab: Lab, server: ModelServer, prompt: str, *more: str) -> list[dict[str, Any]]:
    """The events of a headless session."""
    argv = (str(BIN / "claude"), "-p", prompt, "--output-format", "stream-json", "--verbose", *more)
    return [json.loads(line) for line in call(lab, server, *argv).splitlines()]


def init_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    return next(event for event in events if event["type"] == "system" and event["subtype"] == "init")


def description_of(skill: str) -> str:
    source = ROOT / ("agents/SKILL.md" if skill == "okstra-lead" else f"skills/{skill}/SKILL.md")
    return next(
        line.removeprefix("description: ")
        for line in source.read_text(encoding="utf-8").splitlines()
        if line.startswith("description: ")
    )


def test_claude_lists_what_was_installed_and_nothing_after_uninstall(claude: Lab) -> None:
    with ModelServer([Turn(say="done")]) as server:
        before = init_of(told(claude, server, "hello"))
        call(claude, server, "okstra", "install")
        init = init_of(told(claude, server, "hello"))
        assert set(init["skills"]) - set(before["skills"]) == FOR_PEOPLE
        assert set(init["agents"]) - set(before["agents"]) == AGENTS
        asked = json.dumps(server.requests[-1])
        call(claude, server, "okstra", "uninstall")
        after = init_of(told(claude, server, "hello"))
    for skill in SKILLS:
        assert f"- {skill}: {description_of(skill)[:60]}" in asked, "the model is told when to use the skill"
    assert (after["skills"], after["agents"]) == (before["skills"], before["agents"])


def test_one_permission_covers_the_commands_of_a_skill(claude: Lab) -> None:
    turns = [Turn(shell="okstra list --json"), Turn(shell="okstra worktree list --json"), Turn(say="done")]
    with ModelServer(turns) as server:
        call(claude, server, "okstra", "install")
        events = told(claude, server, "/okstra-inspect what ran?", "--allowedTools", "Bash(okstra:*)")
        asked = json.dumps(server.requests)
    (result,) = [event for event in events if event["type"] == "result"]
    assert result["permission_denials"] == []
    assert "# Look at runs" in asked, "the skill's text reached the model"
    assert '\\"okstra\\": \\"list/1\\"' in asked.replace("\\\\", "\\")
    assert '\\"okstra\\": \\"worktree' in asked.replace("\\\\", "\\")


def test_the_plugin_is_in_order_and_brings_the_same(claude: Lab) -> None:
    plugin = str(claude.folder / "plugin")
    with ModelServer([Turn(say="done")]) as server:
        call(claude, server, "node", str(ROOT / "src" / "plugin.js"), plugin)
        call(claude, server, str(BIN / "claude"), "plugin", "validate", plugin, "--strict")
        init = init_of(told(claude, server, "hello", "--plugin-dir", plugin))
        asked = json.dumps(server.requests[-1])
    assert {f"okstra:{name}" for name in FOR_PEOPLE} <= set(init["skills"])
    assert [name for name in SKILLS if f"- okstra:{name}: " not in asked] == []
    assert {f"okstra:{name}" for name in AGENTS} <= set(init["agents"])
