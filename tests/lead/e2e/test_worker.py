"""The shell doors for one worker: the real doors, with a client on the PATH that answers as codex does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.agents.sweep import find
from support.client_streams import CODEX_GOOD, CODEX_USAGE, codex_item, stream
from support.collector import collector
from support.faults import eventually
from support.okstra import Ended, Project
from support.rehearsal import events_of, result
from support.sealed import ROOT

WORKER = "codex"


def prepared(project: Project) -> Ended:
    return project.run_phase("error-analysis", "--workers", WORKER)


def arguments(project: Project, run: Ended, **changed: str) -> list[str]:
    prompt = Path(run.data["run_dir"]) / "prompts" / f"{WORKER}-prompt-error-analysis-001.md"
    named = {
        "root": str(project.repo.path),
        "model": "gpt-5.5",
        "prompt": str(prompt),
        "worktree": run.data["worktree"]["path"],
        "role": "analyst",
        **changed,
    }
    return list(named.values())


def valid_result(run: Ended) -> str:
    text = result()
    facts = {"TASK_KEY": Project.task_key, "PHASE": "error-analysis", "WORKER_ID": WORKER, "COMMIT": "c" * 40}
    for name, value in facts.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text.replace("provider: rehearsal", "provider: codex")


def install_client(project: Project, *messages: str, before: str = "") -> dict[str, str]:
    """A `codex` on the PATH that gives these closing messages, one a start; answers the environment for the door."""
    folder = project.repo.path.parent / "clients"
    folder.mkdir()
    for number, message in enumerate(messages, 1):
        events = (*CODEX_GOOD[:2], codex_item("agent_message", text=message), CODEX_GOOD[-1])
        (folder / f"stream-{number}").write_bytes(stream(*events))
    client = folder / "codex"
    client.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{folder}/argv'\ncat > '{folder}/stdin'\n{before}\n"
        f"echo x >> '{folder}/starts'\ncat '{folder}/stream-'$(wc -l < '{folder}/starts' | tr -d ' ')\n"
    )
    client.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def start(project: Project, words: list[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(ROOT / "bin" / "okstra-codex-exec.sh"), *words, "--json"],
        env={**project.okstra.environment, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def door(project: Project, words: list[str], **environment: str) -> Ended:
    process = start(project, words, **environment)
    stdout, stderr = process.communicate(timeout=60)
    return Ended(process.returncode, stdout, stderr)


def ended_events(run: Ended) -> list[dict[str, Any]]:
    return [event for event in events_of(run) if event["event"] == "ended"]


def test_a_door_dispatches_its_worker(project: Project) -> None:
    run = prepared(project)
    environment = install_client(project, valid_result(run))
    done = door(project, arguments(project, run), **environment)
    assert (done.status, done.data["outcome"], done.data["state"]) == (0, "completed", "clean"), done
    assert done.envelope["okstra"] == "worker exec/1"
    assert Path(done.data["result"]).read_text() == valid_result(run)
    clients = project.repo.path.parent / "clients"
    argv = (clients / "argv").read_text().split("\n")
    assert argv[argv.index("--sandbox") + 1] == "read-only"
    assert argv[argv.index("--cd") + 1] == run.data["worktree"]["path"]
    own, _, prompt = (clients / "stdin").read_text().partition("\n\n# ")
    assert f"# {prompt}" == Path(arguments(project, run)[2]).read_text()
    (drop,) = re.findall(r"\*\*Result path:\*\* `(.+)`", own)
    assert re.fullmatch(rf".*/drops-001/[0-9a-f]{{32}}/{Path(done.data['result']).name}", drop)
    assert not Path(drop).parent.exists(), "okstra has taken the result over"
    assert Path(done.data["log"]).stat().st_size > 0
    (event,) = ended_events(run)
    assert (event["worker"], event["usage"]["input"]) == (WORKER, 6693)


def test_a_result_that_is_there_is_not_asked_for_again(project: Project) -> None:
    run = prepared(project)
    environment = install_client(project, valid_result(run))
    assert [door(project, arguments(project, run), **environment).status for _ in range(2)] == [0, 0]
    assert (project.repo.path.parent / "clients" / "starts").read_text() == "x\n"


def test_an_invalid_result_goes_back_once(project: Project) -> None:
    run = prepared(project)
    environment = install_client(project, "I found nothing.", valid_result(run))
    with collector() as traced:
        done = door(project, arguments(project, run), **environment, **traced.environment)
    assert (done.status, done.data["attempts"]) == (0, 2), done
    first, second = (traced.span(f"invoke_agent {WORKER}", attempt=number) for number in (1, 2))
    assert (first.status, first.message, second.status) == (2, "invalid-result", 0)
    assert second.attributes["gen_ai.provider.name"] == "openai"
    tokens = [second.attributes[f"gen_ai.usage.{name}_tokens"] for name in ("input", "cache_read.input", "output")]
    assert tokens == [CODEX_USAGE["input_tokens"], CODEX_USAGE["cached_input_tokens"], CODEX_USAGE["output_tokens"]]
    assert "R1" in (project.repo.path.parent / "clients" / "stdin").read_text()


def test_a_worker_without_a_valid_result_has_failed(project: Project) -> None:
    run = prepared(project)
    environment = install_client(project, "nothing", "still nothing")
    done = door(project, arguments(project, run), **environment)
    assert (done.status, done.codes, done.data["outcome"]) == (1, ["worker-failed"], "invalid-result"), done


def test_a_client_that_is_not_there_is_told(project: Project) -> None:
    run = prepared(project)
    tools = project.repo.path.parent / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "git", "env", "dirname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = door(project, arguments(project, run), PATH=str(tools))
    assert (done.status, done.data["outcome"]) == (1, "not-run"), done
    assert "codex is not on the PATH" in ended_events(run)[0]["message"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"prompt": "/nowhere.md"}, "not-found"),
        ({"prompt": str(ROOT / "README.md")}, "not-found"),
        ({"worktree": "/"}, "usage"),
        ({"role": "executor"}, "usage"),
    ],
)
def test_a_door_lets_nobody_loose_elsewhere(project: Project, changed: dict[str, str], code: str) -> None:
    run = prepared(project)
    environment = install_client(project, valid_result(run))
    done = door(project, arguments(project, run, **changed), **environment)
    assert (done.status, done.codes) == (2, [code]), done
    assert not (project.repo.path.parent / "clients" / "starts").exists()


def test_too_few_arguments_are_a_usage_error(project: Project) -> None:
    assert door(project, [str(project.repo.path)]).codes == ["usage"]


def test_ctrl_c_ends_the_client_with_the_door(project: Project) -> None:
    run = prepared(project)
    environment = install_client(project, "x", before="echo begun; sleep 300 & sleep 300")
    process = start(project, arguments(project, run), **environment)
    log = Path(run.data["run_dir"]) / "logs" / f"{WORKER}-001.log"
    eventually(lambda: log.exists() and "begun" in log.read_text())
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert Ended(process.returncode, stdout, stderr).codes == ["interrupted"]
    dispatched = [event for event in events_of(run) if event["event"] == "dispatched"]
    assert find(str(dispatched[0]["token"])) == []


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not there")
def test_in_tmux_a_pane_shows_the_log_while_the_worker_works(project: Project, tmp_path: Path) -> None:
    run = prepared(project)
    environment = install_client(project, valid_result(run), before="echo LIVE; while [ ! -e go ]; do sleep 0.05; done")
    socket = tmp_path / "tmux"
    tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]

    def ask(*words: str) -> str:
        return subprocess.run([*tmux, *words], capture_output=True, text=True).stdout

    def panes() -> list[str]:
        return ask("list-panes", "-F", "#{pane_id}").split()

    subprocess.run([*tmux, "new-session", "-d", "-x", "120", "-y", "50", "sleep 120"], check=True)
    try:
        server = ask("display-message", "-p", "#{pid},#{session_id}")
        environment["TMUX"] = f"{socket},{server.strip().replace('$', '')}"
        process = start(project, arguments(project, run), **environment)
        eventually(lambda: "LIVE" in "".join(ask("capture-pane", "-p", "-t", pane) for pane in panes()))
        assert len(panes()) == 2
        (Path(run.data["worktree"]["path"]) / "go").touch()
        assert process.wait(timeout=30) == 0
        assert len(panes()) == 1
    finally:
        ask("kill-server")
    process.communicate()
