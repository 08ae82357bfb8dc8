"""A session that was open already leads a run, under the permissions that docs/how-to/claude-code.md names."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from support.sealed import ROOT

from .desk import PHASE, Desk
from .install import BIN
from .model_server import ModelServer
from .playing import Playing, Seen, by_agent, by_command, in_background
from .wires import Turn


def documented_settings() -> str:
    text = (ROOT / "docs" / "how-to" / "claude-code.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(\{.*?\})\n```$", text, re.M | re.S)
    (found,) = [block for block in blocks if "additionalDirectories" in block]
    return str(found)


def test_an_open_session_leads_a_run_and_nothing_is_denied(desk: Desk) -> None:
    def lead(seen: Seen) -> Turn:
        if "PROMPT" not in seen.asked_for:
            return by_agent(desk, seen)
        if "worker exec" not in seen.asked_for:
            return in_background(by_command(desk, seen, "okstra worker exec codex"), "codex analyses")
        if "okstra wait" not in seen.asked_for:
            return in_background(f"okstra wait {desk.run} --json", "wait for results")
        if '"wait for results" completed' not in seen.news:
            return Turn(say="I wait.")
        if "okstra resume" not in seen.asked_for:
            return in_background(f"okstra resume {desk.run} --json", "go on")
        return Turn(say="I have done my part.")

    with ModelServer(Playing(lead)) as server:
        desk.install(server)
        prepared = desk.okstra(server, "run", *desk.flags, "--task-type", PHASE, "--json")
        assert prepared.status == 0, prepared
        prompt = next(desk.run_folder.glob("prompts/launch-*.md")).read_text()
        settings = Path(desk.project.repo.path, ".claude", "settings.local.json")
        settings.parent.mkdir()
        settings.write_text(documented_settings())
        argv = [str(BIN / "claude"), "-p", prompt, "--output-format", "stream-json", "--verbose", "--model", "sonnet"]
        ended = subprocess.run(
            [*argv, "--permission-mode", "default"],
            cwd=desk.project.repo.path,
            env=desk.environment(server),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    denied = [one for row in rows if row["type"] == "result" for one in row["permission_denials"]]
    assert (ended.returncode, denied) == (0, []), ended.stderr
    assert desk.manifest["outcome"] == "completed"
    assert {row["worker"]: row["outcome"] for row in desk.report["execution"]} == dict.fromkeys(
        ("claude", "codex", "report-writer"), "completed"
    )
    spent = {row["worker"]: row["output"] for row in desk.manifest["usage"]["workers"]}
    assert spent["lead"] and spent["claude"], "the session is known, and its agent's part told apart"
