"""`okstra wait` reports each change of an awaited result, and how the wait ended;
`okstra check result` checks a file."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from support.live_runs import LiveRun
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, finding, install, part, result

BOTH = {"rehearsal-a", "rehearsal-b"}


def prepared(project: Project) -> str:
    """A run that nobody leads yet."""
    return str(project.run_phase("error-analysis", "--provider", "rehearsal").data["run_id"])


def rows(ended: Ended) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [row.get("last", False) for row in found] == [*[False] * (len(found) - 1), True]
    return found


def waited_while_led(project: Project, *more: str) -> tuple[Ended, Ended]:
    """How the wait and the run ended; the wait begins first."""
    run = prepared(project)
    waiting = project.okstra.start("wait", run, *more)
    time.sleep(0.5)
    leading = project.okstra("resume", run, "--json")
    stdout, stderr = waiting.communicate(timeout=30)
    return Ended(waiting.returncode, stdout, stderr), leading


def test_each_result_is_reported_when_it_is_there(project: Project) -> None:
    install(project, part({"wait": 1}, {"result": result()}, worker="rehearsal-b", round=""))
    waited, led = waited_while_led(project)
    assert (waited.status, led.status) == (0, 0), (waited, led)
    *changes, last = rows(waited)
    assert [(row["worker"], row["state"]) for row in changes] == [
        ("rehearsal-a", "missing"),
        ("rehearsal-b", "missing"),
        ("rehearsal-a", "valid"),
        ("rehearsal-b", "valid"),
    ]
    assert all(Path(row["path"]).is_file() for row in changes)
    assert last == {"last": True, "ended": "ready", "states": dict.fromkeys(sorted(BOTH), "valid")}


def test_what_is_there_already_is_reported_at_once(project: Project) -> None:
    install(project)
    run = prepared(project)
    project.okstra.ok("resume", run)
    waited = project.okstra("wait", run)
    assert waited.status == 0, waited
    assert len(rows(waited)) == 3
    assert project.okstra.ok("wait", run, "--json").data["ended"] == "ready"


def test_a_report_is_awaited(project: Project) -> None:
    install(project, part({"wait": 0.5}, {"report": {"verdict": {"conclusion": "ok"}}}, role="report-writer"))
    waited, led = waited_while_led(project, "--for", "report")
    assert (waited.status, led.status) == (0, 0), (waited, led)
    assert [row.get("state") for row in rows(waited)] == ["missing", "valid", None]


@pytest.mark.parametrize("steps", [({"fault": "crash"},), ({"result": "All is well.\n"},), ({"fault": "empty"},)])
def test_a_worker_that_gave_up_is_gone(project: Project, steps: tuple[dict[str, Any], ...]) -> None:
    install(project, part(*steps, worker="rehearsal-b"), part({"wait": 30}, role="report-writer"))
    run = prepared(project)
    live = LiveRun(project, "error-analysis", project.okstra.start("resume", run, "--json"))
    waited = project.okstra("wait", run, "--timeout", "20")
    assert waited.status == 1, waited
    last = rows(waited)[-1]
    assert (last["ended"], last["states"]["rehearsal-b"]) == ("gone", "gone")
    assert live.process.poll() is None, "the wait ended with the worker, not with the run"
    live.process.send_signal(signal.SIGINT)
    assert live.ended().status == 130


def test_nobody_comes_any_more_when_the_lead_was_killed(project: Project) -> None:
    install(project, part({"fault": "hang"}, role="analyst"))
    run = prepared(project)
    live = LiveRun(project, "error-analysis", project.okstra.start("resume", run))
    live.wait_for_processes(2)
    waiting = project.okstra.start("wait", run)
    live.process.kill()
    live.process.communicate()
    stdout, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 1
    last = json.loads(stdout.splitlines()[-1])
    assert (last["ended"], set(last["states"].values())) == ("gone", {"gone"})
    live.wait_until_nothing_is_left()


def test_a_wait_ends_at_its_time(project: Project) -> None:
    install(project)
    run = prepared(project)
    waited = project.okstra("wait", run, "--timeout", "0.5")
    assert waited.status == 1
    *changes, last = rows(waited)
    assert {row["worker"]: row["state"] for row in changes} == dict.fromkeys(BOTH, "missing")
    assert last["ended"] == "timeout"
    reply = project.okstra("wait", run, "--timeout", "0", "--json")
    assert (reply.status, reply.codes) == (1, ["wait-over"])
    for wrong in ("soon", "-1", "nan"):
        assert project.okstra("wait", run, "--timeout", wrong, "--json").codes == ["usage"]


def test_a_wait_can_be_stopped(project: Project) -> None:
    install(project)
    waiting = project.okstra.start("wait", prepared(project))
    time.sleep(0.7)
    waiting.send_signal(signal.SIGINT)
    stdout, stderr = waiting.communicate(timeout=10)
    assert waiting.returncode == 130, (stdout, stderr)
    assert "Traceback" not in stderr


# `okstra check result`: a file of each kind, as the workers of these runs left it, and what is wrong when it is spoilt.
SPOILT = {
    "analyst": lambda text: text.replace("## 2. Evidence gaps", "## 2. Gaps"),
    "answers": lambda text: text.replace("AGREE", "MAYBE"),
    "verifier": lambda text: text.replace("verdict: pass", "verdict: perhaps"),
    "executor": lambda text: text.replace("### Step 2", "### Step 7"),
    "report": lambda text: json.dumps({**json.loads(text), "verdict": {"conclusion": "", "token": "none"}}),
}
NAMES = {
    "analyst": "error-analysis/worker-results/rehearsal-a-worker-error-analysis-001.md",
    "answers": "error-analysis/worker-results/rehearsal-b-round-1-error-analysis-001.md",
    "verifier": "implementation/stage-1/worker-results/rehearsal-a-verifier-worker-implementation-001.md",
    "executor": "implementation/stage-1/worker-results/rehearsal-executor-worker-implementation-001.md",
    "report": "error-analysis/reports/final-report-error-analysis-001.data.json",
}


@pytest.fixture
def played(project: Project) -> Project:
    """An analysis and a stage, done."""
    work = ({"write": {"path": "stage-1/it.py", "content": "x = 1\n"}}, {"commit": "feat: it"})
    install(
        project,
        part({"result": result(finding("low", "It is so"))}, worker="rehearsal-a", round=""),
        part(*work, {"result": executed(1, 2)}, role="executor"),
    )
    project.adopt(independent(1))
    for task_type in ("error-analysis", "implementation"):
        ended = LiveRun.start(project, task_type).ended()
        assert ended.status == 0, ended
    return project


def test_a_result_of_every_kind_is_checked(played: Project) -> None:
    for kind, name in NAMES.items():
        path = played.task_root / "runs" / name
        good = played.okstra("check", "result", path, "--json")
        assert good.status == 0, (kind, good)
        text = path.read_text()
        spoilt = SPOILT[kind](text)
        assert spoilt != text
        path.write_text(spoilt)
        bad = played.okstra("check", "result", path, "--json")
        assert (bad.status, bad.codes) == (4, ["result-invalid"]), (kind, bad)
        path.write_bytes(b"\xff\xfe")
        assert played.okstra("check", "result", path, "--json").status == 4
        path.write_bytes(b"")
        assert played.okstra("check", "result", path, "--json").status == 4
        path.unlink()
        missing = played.okstra("check", "result", path, "--json")
        assert (missing.status, missing.codes) == (2, ["not-found"]), (kind, missing)


def test_a_file_that_is_no_result_is_distinguished_from_a_bad_one(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "notes.md"
    other.write_text("# Notes\n")
    ended = project.okstra("check", "result", other, "--json")
    assert (ended.status, ended.codes) == (2, ["not-found"])
