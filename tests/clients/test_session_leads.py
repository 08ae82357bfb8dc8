"""A session of Claude Code leads a run: it dispatches, is woken by the end of a wait, and may end at any time."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from okstra_ctl.agents.sweep import find
from support import schemas
from support.plans import independent

from .conversations import told
from .desk import Desk
from .model_server import ModelServer
from .playing import Playing, Seen, by_agent, by_command, in_background
from .test_runs import building
from .wires import OUTPUT_TOKENS, Turn

_WOKEN = 'Background command "{}" completed (exit code 0)'
_OUTPUT = re.compile(
    r"<output-file>([^<]+)</output-file>\s*<status>completed</status>\s*<summary>Background command \"([^\"]+)\""
)
_WHOLE = re.compile(r"^{.*}$", re.M)
"""The answer in a command's output, where what it said besides stands too."""


def test_a_session_leads_a_run_from_the_dispatch_to_the_report(desk: Desk) -> None:
    def lead(seen: Seen) -> Turn:
        if "PROMPT" not in seen.asked_for:
            return by_agent(desk, seen)
        if "codex-exec" not in seen.asked_for:
            return in_background(by_command(desk, seen, "okstra-codex-exec.sh"), "codex analyses")
        if "okstra wait" not in seen.asked_for:
            return in_background(f"okstra wait {desk.run} --json", "wait for results")
        if _WOKEN.format("wait for results") not in seen.news:
            return Turn(say="I wait.")
        if "okstra resume" not in seen.asked_for:
            return in_background(f"okstra resume {desk.run} --json", "go on")
        return Turn(say="The run is over." if _WOKEN.format("go on") in seen.news else "I wait for the report.")

    with ModelServer(Playing(lead)) as server:
        with desk.sit_down(server) as session:
            session.until(lambda: "The run is over." in session.screen, 120)
        for worker in ("claude", "codex"):
            checked = desk.okstra(server, "check", "result", desk.result(worker))
            assert checked.status == 0, checked
    news = "\n".join(told(request["messages"]) for request in server.requests if "messages" in request)
    outputs = {
        name: json.loads(_WHOLE.findall(Path(path).read_text())[-1])["data"] for path, name in _OUTPUT.findall(news)
    }
    last = outputs["wait for results"]
    assert (last["ended"], last["states"]) == ("ready", {"claude": "valid", "codex": "valid"})
    assert outputs["codex analyses"]["outcome"] == "completed"
    assert schemas.faults(desk.report, "final-report") == []
    (found,) = desk.report["findings"]
    assert (found["class"], found["evidence_status"]) == ("consensus", "verified")
    assert {row["worker"]: row["outcome"] for row in desk.report["execution"]} == dict.fromkeys(
        ("claude", "codex", "report-writer"), "completed"
    )
    assert desk.manifest["outcome"] == "completed"
    spent = {row["worker"]: row["output"] for row in desk.manifest["usage"]["workers"]}
    assert spent["claude"] >= 2 * OUTPUT_TOKENS
    assert spent["lead"] >= 5 * OUTPUT_TOKENS
    dispatched = [event["worker"] for event in desk.events_of("dispatched")]
    assert sorted(dispatched) == ["claude", "codex", "codex", "report-writer"], "nobody was asked twice"
    assert desk.project.repo.git("status", "--porcelain", "--untracked-files=no") == ""


def sends_codex(desk: Desk, seen: Seen) -> Turn:
    """A lead that does half of its work."""
    if "worker exec" in seen.asked_for:
        return Turn(say="I stop here.")
    return Turn(shell=by_command(desk, seen, "okstra worker exec codex"))


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_a_session_that_ends_leaves_a_run_to_go_on_with(desk: Desk, end: str) -> None:
    with ModelServer(Playing(lambda seen: sends_codex(desk, seen))) as server:
        with desk.sit_down(server) as session:
            session.until(lambda: "I stop here." in session.screen and session.is_idle)
            assert desk.status(server)["status"] == "running"
            if end == "exit":
                session.type("/exit")
            else:
                os.kill(desk.manifest["lead"]["owner"]["pid"], signal.SIGKILL)
            session.wait_for_end()
        left = desk.result("codex").stat()
        status = desk.status(server)
        assert (status["status"], status["next"]) == ("interrupted", f"okstra resume {desk.run}")
        resumed = desk.okstra(server, "resume", desk.run, "--json")
    assert resumed.status == 0, resumed
    kept = desk.result("codex").stat()
    assert (kept.st_mtime_ns, kept.st_ino) == (left.st_mtime_ns, left.st_ino)
    dispatched = [(event["worker"], event["label"]) for event in desk.events_of("dispatched")]
    assert sorted(dispatched) == [("claude", ""), ("codex", ""), ("codex", "round-1"), ("report-writer", "")]
    assert desk.report["findings"][0]["class"] == "consensus"


def test_the_worker_of_a_killed_session_is_ended_and_asked_anew(desk: Desk) -> None:
    def lead(seen: Seen) -> Turn:
        if "worker exec" in seen.asked_for:
            return Turn(say="I wait.")
        return in_background(by_command(desk, seen, "okstra worker exec codex"), "codex analyses")

    playing = Playing(lead, codex_hangs_at_first=True)
    with ModelServer(playing) as server:
        with desk.sit_down(server) as session:
            session.until(lambda: "I wait." in session.screen and playing.codex_was_asked.is_set())
            os.kill(desk.manifest["lead"]["owner"]["pid"], signal.SIGKILL)
            session.wait_for_end()
        assert desk.status(server)["status"] == "interrupted"
        (left,) = [event["token"] for event in desk.events_of("dispatched")]
        assert find(left), "the killed session could not end what it had started"
        resumed = desk.okstra(server, "resume", desk.run, "--json")
    assert resumed.status == 0, resumed
    assert find(left) == []
    dispatched = [(event["worker"], event["label"], event["attempt"]) for event in desk.events_of("dispatched")]
    assert [row for row in dispatched if row[:2] == ("codex", "")] == [("codex", "", 1), ("codex", "", 2)]
    assert {row["worker"]: row["outcome"] for row in desk.report["execution"]}["codex"] == "completed"


def test_a_session_has_a_stage_built_and_verified(desk: Desk) -> None:
    """The executor is a client of its own, inside the session: the guard lets it commit what the session may not."""
    desk.project.adopt(independent(1))

    def lead(seen: Seen) -> Turn:
        if "executor" not in seen.asked_for:
            return Turn(shell=by_command(desk, seen, "okstra worker exec claude", "claude-executor", "executor"))
        if "okstra resume" not in seen.asked_for:
            return in_background(f"okstra resume {run} --json", "go on")
        return Turn(say="The stage is built." if _WOKEN.format("go on") in seen.news else "I wait.")

    run = f"{desk.project.task_key}/implementation/stage-1/001"
    with ModelServer(Playing(lead, others=building)) as server:
        with desk.sit_down(server, "--executor", "claude", phase="implementation") as session:
            session.until(lambda: "The stage is built." in session.screen, 120)
        shown = desk.okstra(server, "show", run, "--json").data
    assert (shown["status"], shown["manifest"]["outcome"]) == ("completed", "completed")
    assert desk.project.ledger[-1]["status"] == "done"
    folder = desk.project.task_root / "runs" / "implementation" / "stage-1"
    events = (folder / "state" / "events-001.jsonl").read_text().splitlines()
    dispatched = [event["worker"] for event in map(json.loads, events) if event["event"] == "dispatched"]
    assert dispatched.count("claude-executor") == 1
    assert set(dispatched) == {"claude-executor", "claude-verifier", "codex-verifier", "report-writer"}
