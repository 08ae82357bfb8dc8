"""Whole runs that okstra leads, done by the real clients: analysis with verdicts, and a stage built and verified."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.sandbox.choice import Kind
from support import schemas
from support.contained_lab import can_contain
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.rehearsal import answers, events_of, executed, finding, manifest_of, report_of, result

from .install import NAMES, installed
from .lab import SPOKEN, client_path, client_variables, codex_arguments, scratch_in
from .model_server import Fault, ModelServer
from .wires import Turn

_PATH = re.compile(r"\*\*Result path:\*\* `(/[^`]+)`")
"""Stands above the prompt that a client is given; the prompt's own line names a variable."""
FILED = re.compile(r"\*\*Filed as:\*\* `([^`]+)`")
_WHO = re.compile(r"You are the worker `([^`]+)` of the okstra run `([^`]+)`")
_REPORT: dict[str, Any] = {
    "verdict": {"conclusion": "It is the heading.", "token": "cause-likely", "direction": "Plan a fix."},
    "phase": {
        "symptom": "The heading is wrong.",
        "trigger": "Reading it.",
        "hypotheses": [{"claim": "a slip", "findings": ["G-001"], "against": "nothing", "decided_by": "its author"}],
        "reproduction_gap": "None.",
        "validation": "Read it again.",
    },
}
_BUILT = {
    "verdict": {"conclusion": "The stage is built.", "token": "done", "direction": "Go on with the next."},
    "phase": {"summary": "A file.", "deviations": "none"},
}


@pytest.fixture
def server_project(project: Project) -> Iterator[Project]:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    yield project


def asked(text: str) -> tuple[str, str, str]:
    """Who is asked, for the result at which path, and which round it is."""
    who, path = _WHO.search(text), _PATH.search(text) or FILED.search(text)
    assert who and path, text[:500]
    found = re.search(r"-(round-[0-9]+|plan-check)-", path[1].rsplit("/", 1)[-1])
    return who[1], path[1], found[1] if found else ""


def as_written(text: str, worker: str, phase: str) -> str:
    """A rehearsal's text with its placeholders filled, as a client would have written it."""
    provider = worker.split("-")[0] if not worker.startswith("acp-") else f"acp:{worker.split('-')[1]}"
    values = {
        "TASK_KEY": Project.task_key,
        "PHASE": phase,
        "WORKER_ID": worker,
        "COMMIT": "0" * 40,
    }
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text.replace("provider: rehearsal", f"provider: {provider}")


def by_file(path: str, text: str) -> list[Turn]:
    return [Turn(write=(path, text)), Turn(say=f"**Model:** x\n{path}")]


def led(project: Project, server: ModelServer, *words: str) -> Ended:
    """The run, led to its end by okstra with the clients on the PATH."""
    path = f"{client_path()}{os.pathsep}{os.environ['PATH']}"
    environment = {**project.okstra.environment, "PATH": path, "TMPDIR": str(scratch_in(project.repo.path.parent))}
    for name in (*NAMES, "acp:opencode"):
        environment |= client_variables(name, Path(environment["HOME"]), server)
    config = {"providers": {"codex": {"arguments": codex_arguments(server)}}}
    project.home.mkdir(exist_ok=True)
    (project.home / "config.json").write_text(json.dumps(config))
    okstra = Okstra(environment, project.repo.path)
    request = ("--request", "The heading is wrong.")
    words = ("--task-key", project.task_key, "--lead", "auto", "--yes", "--json", *request, *words)
    begun = okstra.start("run", *words)
    try:
        return Ended(*_waited_for(begun))
    finally:
        begun.terminate()


def _waited_for(begun: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Some clients take half a minute to start on a busy machine."""
    stdout, stderr = begun.communicate(timeout=600)
    return begun.returncode, stdout, stderr


def test_three_clients_analyse_and_answer_one_another(server_project: Project) -> None:
    raised = finding("high", "The heading is wrong", "README.md:1 `# A project`")

    def script(text: str) -> list[Turn]:
        worker, path, label = asked(text)
        if worker == "report-writer":
            return by_file(path, json.dumps(_REPORT))
        texts = {
            ("claude", ""): result(raised),
            ("codex", ""): result(),
            ("gemini", ""): result(),
            ("codex", "round-1"): answers(G_001="AGREE"),
            ("gemini", "round-1"): answers(G_001="AGREE"),
        }
        said = as_written(texts[worker, label], worker, "error-analysis")
        read = Turn(shell="git log --oneline")
        return [read, *(by_file(path, said) if worker == "claude" else [Turn(say=said)])]

    with ModelServer(script) as server:
        ended = led(
            server_project,
            server,
            *("--task-type", "error-analysis", "--workers", "claude,codex,gemini"),
            *("--codex-model", "gpt-5.5", "--gemini-model", "custom:gemini-2.5-pro"),
        )
    assert ended.status == 0, (ended, logs(ended))
    assert manifest_of(ended)["sandbox"]["kind"] == ("bwrap" if can_contain(Kind.BWRAP) else "off")
    report = report_of(ended)
    assert schemas.faults(report, "final-report") == []
    assert report["verdict"]["token"] == "cause-likely"
    (found,) = report["findings"]
    assert (found["class"], found["evidence_status"]) == ("consensus", "verified")
    assert {row["worker"]: row["outcome"] for row in report["execution"]} == dict.fromkeys(
        ("claude", "codex", "gemini", "report-writer"), "completed"
    )
    models = {row["id"]: row["model_observed"] for row in manifest_of(ended)["roster"]}
    assert models["claude"] == "claude-sonnet-5-5"
    assert models["gemini"] == "scripted"
    assert server_project.repo.git("status", "--porcelain", "--untracked-files=no") == ""


def test_claude_codex_and_an_agent_of_the_protocol_are_three_voices(server_project: Project) -> None:
    raised = finding("high", "The heading is wrong", "README.md:1 `# A project`")

    def script(text: str) -> list[Turn]:
        worker, path, label = asked(text)
        if worker == "report-writer":
            return by_file(path, json.dumps(_REPORT))
        said = answers(G_001="AGREE") if label else result(*([raised] if worker == "claude" else []))
        filled = as_written(said, worker, "error-analysis")
        return by_file(path, filled) if worker == "claude" else [Turn(say=filled)]

    with ModelServer(script) as server:
        roster = ("--workers", "claude,codex,acp:opencode", "--codex-model", "gpt-5.5")
        ended = led(server_project, server, "--task-type", "error-analysis", *roster)
    assert ended.status == 0, (ended, logs(ended))
    report = report_of(ended)
    assert {one["family"]: one["workers"] for one in report["voices"]["families"]} == {
        "claude": ["claude"],
        "gpt": ["codex"],
        "qwen": ["acp-opencode"],
    }
    (found,) = report["findings"]
    assert (found["class"], found["evidence_status"]) == ("consensus", "verified")
    models = {row["id"]: row["model_observed"] for row in manifest_of(ended)["roster"]}
    assert models["acp-opencode"] == SPOKEN


def test_an_agent_of_the_protocol_builds_a_stage_and_claude_verifies_it(server_project: Project) -> None:
    server_project.adopt(independent(1))

    def script(text: str) -> list[Turn]:
        worker, path, _ = asked(text)
        if worker == "report-writer":
            return by_file(path, json.dumps(_BUILT))
        if worker == "acp-opencode-executor":
            tree = re.search(r"\*\*Worktree:\*\* `([^`]+)`", text)
            assert tree
            write = Turn(write=(f"{tree[1]}/stage-1/it.py", "# it\n"))
            commit = Turn(shell="git add -A && git commit -qm 'feat(s): build'")
            return [write, commit, Turn(say=as_written(executed(1, 2), worker, "implementation"))]
        said = as_written(result(verdict="pass"), worker, "implementation")
        return [Turn(say=said)] if worker.startswith("acp-") else by_file(path, said)

    with ModelServer(script) as server:
        roster = ("--executor", "acp:opencode", "--workers", "claude,acp:opencode")
        ended = led(server_project, server, "--task-type", "implementation", *roster)
    assert ended.status == 0, (ended, logs(ended))
    report = report_of(ended)
    assert report["verdict"]["token"] == "done" and report["voices"]["executor"] == "qwen"
    assert server_project.ledger[-1]["status"] == "done"


def test_an_analyst_without_a_login_leaves_the_gate_shut(server_project: Project) -> None:
    def script(text: str) -> list[Turn] | Fault:
        worker, path, _ = asked(text)
        if worker == "codex":
            return Fault(401)
        if worker == "report-writer":
            verdict = {**_REPORT["verdict"], "token": "cause-unknown"}
            return by_file(path, json.dumps({**_REPORT, "verdict": verdict}))
        return by_file(path, as_written(result(), worker, "error-analysis"))

    with ModelServer(script) as server:
        words = ("--task-type", "error-analysis", "--workers", "claude,codex", "--codex-model", "gpt-5.5")
        ended = led(server_project, server, *words)
    assert (ended.status, ended.codes) == (1, ["run-failed"]), (ended, logs(ended))
    report = report_of(ended)
    assert report["gates"]["convergence"]["gate"] == "aborted-non-result"
    outcomes = {row["worker"]: (row["outcome"], row["state"]) for row in report["execution"]}
    assert outcomes["codex"] == ("error", "unavailable")
    assert outcomes["claude"] == ("completed", "clean")
    failed = [event for event in events_of(ended) if event.get("event") == "ended" and event["worker"] == "codex"]
    assert [event["failure"] for event in failed] == ["login"]


def building(text: str) -> list[Turn]:
    """The part of every worker of a stage."""
    worker, path, _ = asked(text)
    if worker == "report-writer":
        return by_file(path, json.dumps(_BUILT))
    if worker == "claude-executor":
        said = as_written(executed(1, 2), worker, "implementation")
        build = "mkdir -p stage-1 && echo '# it' > stage-1/it.py && git add -A && git commit -qm 'feat(s): build'"
        return [Turn(shell=build), *by_file(path, said)]
    said = as_written(result(verdict="pass"), worker, "implementation")
    if worker == "codex-verifier":
        return [Turn(shell="git log -1"), Turn(shell=f"cat > '{path}' <<'END'\n{said}END"), Turn(say="done")]
    return [Turn(shell="git log -1"), *by_file(path, said)]


def test_claude_builds_a_stage_and_codex_verifies_it(server_project: Project) -> None:
    server_project.adopt(independent(1))

    with ModelServer(building) as server:
        ended = led(
            server_project,
            server,
            *("--task-type", "implementation", "--executor", "claude", "--workers", "claude,codex"),
            *("--codex-model", "gpt-5.5"),
        )
    assert ended.status == 0, (ended, logs(ended))
    report = report_of(ended)
    assert report["verdict"]["token"] == "done"
    assert [row["outcome"] for row in report["execution"]] == ["completed"] * len(report["execution"])
    assert server_project.ledger[-1]["status"] == "done"


def logs(ended: Ended) -> dict[str, str]:
    """What the clients said, for a test that failed."""
    try:
        folder = Path(str(ended.envelope["data"]["run_dir"])) / "logs"
    except (KeyError, ValueError):
        return {}
    found: dict[str, Any] = {name: (folder / name).read_text(errors="replace")[-3000:] for name in os.listdir(folder)}
    return found
