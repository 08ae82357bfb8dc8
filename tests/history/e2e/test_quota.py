"""`okstra quota`: what clients say of their windows; and a run says before it starts who may not last."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from okstra_ctl.agents.codex_server import ask
from support.client_streams import claude_error, stream
from support.clients_on_path import client
from support.okstra import Project

SOON = int(time.time()) + 5 * 3600
SERVER = """#!{python}
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("id") == 1:
        print("a warning that is no JSON", flush=True)
        print(json.dumps({{"id": 1, "result": {{"userAgent": "codex"}}}}), flush=True)
    if message.get("method") == "account/rateLimits/read":
        print(json.dumps({{"method": "account/updated", "params": {{}}}}), flush=True)
        primary = {{"usedPercent": 40, "windowDurationMins": 300, "resetsAt": {soon}}}
        limits = {{"primary": primary, "secondary": None}}
        print(json.dumps({{"id": 2, "result": {{"rateLimits": limits}}}}), flush=True)
"""


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return folder


def test_codex_is_asked_through_its_own_app_server(project: Project, tmp_path: Path) -> None:
    place = program(tmp_path / "bin", "codex", SERVER.format(python=sys.executable, soon=SOON))
    path = f"{place}:{project.okstra.environment['PATH']}"
    shown = project.okstra.ok("quota", "codex", "claude", "--json", PATH=path).data["providers"]
    assert [one["provider"] for one in shown] == ["codex", "claude"]
    (window,) = shown[0]["windows"]
    assert (window["name"], window["status"], window["used"]) == ("five_hour", "allowed", 0.4)
    assert shown[0]["by"] == "codex app-server"
    assert shown[1]["windows"] is None
    assert "unknown" in project.okstra.ok("quota", "claude", PATH=path).stdout


@pytest.mark.parametrize("script", ["exit 0", "sleep 30", 'echo \'{"id": 2, "error": {}}\'; sleep 30', "cat"])
def test_an_app_server_that_answers_nothing_of_use_is_given_up(tmp_path: Path, script: str) -> None:
    place = program(tmp_path / "bin", "codex", f"#!/bin/sh\n{script}\n")
    began = time.monotonic()
    assert ask({"PATH": f"{place}:/usr/bin:/bin"}, seconds=1.0) is None
    assert time.monotonic() - began < 20


def test_without_an_answer_codex_own_files_are_read(project: Project, tmp_path: Path) -> None:
    day = tmp_path / "codex" / "sessions" / "2026" / "11" / "30"
    day.mkdir(parents=True)
    limits = {"primary": {"used_percent": 95.0, "window_minutes": 10080, "resets_at": SOON}}
    row = {"timestamp": "2026-11-30T10:00:00.123Z", "type": "event_msg", "payload": {"rate_limits": limits}}
    (day / "rollout-2026-11-30T10-00-00-t.jsonl").write_text(json.dumps(row) + "\n")
    (shown,) = project.okstra.ok("quota", "codex", "--json", CODEX_HOME=str(tmp_path / "codex")).data["providers"]
    assert (shown["at"], shown["windows"][0]["name"]) == ("2026-11-30T10:00:00Z", "seven_day")


def test_what_a_run_saw_of_claude_is_shown_and_said_before_the_next_start(project: Project, tmp_path: Path) -> None:
    info = {"status": "rejected", "rateLimitType": "five_hour", "resetsAt": SOON}
    limit = {"type": "rate_limit_event", "rate_limit_info": info}
    (tmp_path / "out").write_bytes(stream(limit, *claude_error(429, "You've hit your limit")))
    place = tmp_path / "bin"
    place.mkdir()
    client(place, "claude", works=f"cat {tmp_path}/out; exit 1")
    path = f"{place}:{project.okstra.environment['PATH']}"
    words = ("--provider", "claude", "--quorum", "1", "--yes", "--json", "--lead", "auto")
    brief = project.brief_for("error-analysis")
    words = ("--task-key", project.task_key, "--task-type", "error-analysis", *words)
    first = project.okstra("run", *words, *brief, PATH=path)
    assert first.codes == ["run-failed"], first
    (shown,) = project.okstra.ok("quota", "claude", "--json").data["providers"]
    assert [(one["name"], one["status"]) for one in shown["windows"]] == [("five_hour", "rejected")]
    again = project.okstra("resume", shown["by"], PATH=path)
    assert "claude may not last: five_hour used up, until" in again.stderr
    assert "claude may not last" not in first.stderr
