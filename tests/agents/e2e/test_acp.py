"""Agents of the Agent Client Protocol: what a role lets them do, what is taken from the protocol, how they fail."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from okstra_ctl.agents.acp.provider import ORDERS, Acp
from okstra_ctl.agents.acp.worker import Turn
from okstra_ctl.agents.acp_agents import Agent
from okstra_ctl.agents.job import Report, StreamResult
from okstra_ctl.status import Access, Failure, WorkerOutcome
from okstra_ctl.usage.tokens import ModelTokens, Tokens
from support.acp_playing import Place, ends, job, place, play, scripted
from support.fake_clients import SOON, left_of
from support.sealed import ROOT


class Played(NamedTuple):
    here: Place
    report: Report
    outcomes: list[Any]


def played(folder: Path, access: Access, *steps: dict[str, Any], model: str = "default", **script: Any) -> Played:
    here = place(folder)
    work = job(here, access)._replace(model=model)
    report = play(scripted(here, {"steps": list(steps), **script}), work)
    assert report.stream.last_message, report
    return Played(here, report, json.loads(report.stream.last_message))


def ask(kind: str, **more: Any) -> dict[str, Any]:
    return {"ask": {"kind": kind, **more}}


YES, NO = "allow_once", "reject_once"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return played(
        tmp_path_factory.mktemp("reader"),
        Access.READ,
        {"say": "Let me look."},
        ask("read", path="code.txt"),
        ask("edit", path="code.txt"),
        ask("execute", command="make test"),
        {"read": "code.txt"},
        {"read": {"path": "code.txt", "line": 2, "limit": 1}},
        {"read": "../outside.txt"},
        {"read": "way-out"},
        {"write": "new.txt"},
        {"run": "true"},
        {"capabilities": True},
        {"model": "acme/large-2"},
        {"cost": 0.25},
        models=["acme/small-1", "acme/large-2"],
        usage={"input_tokens": 100, "output_tokens": 7, "cached_read_tokens": 50, "thought_tokens": 3},
    )


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("executor")
    return played(
        folder,
        Access.EDIT,
        ask("edit", path="code.txt"),
        ask("execute", command="git commit -m x"),
        ask("edit", path="folder-out/stolen.txt"),
        ask("edit", path=".git"),
        ask("execute", command="true && git -C . push origin HEAD"),
        ask("edit", path="code.txt", options=["allow_always", "reject_once"]),
        {"write": "deep/er/new.txt"},
        {"write": "way-out"},
        {"write": "folder-out/stolen.txt"},
        {"write": str(folder / "outside.txt")},
        {"run": {"command": "sh", "args": ["-c", "pwd; echo $MARK"], "env": [{"name": "MARK", "value": "seen"}]}},
        {"run": "echo a line | tr a-z A-Z; exit 3"},
        {"run": {"command": "true", "cwd": "/"}},
        {"run": "git push"},
    )


def test_a_reader_reads_in_its_worktree_whole_files_and_lines(reader: Played) -> None:
    assert reader.outcomes[0] == YES
    assert reader.outcomes[3:5] == ["one\ntwo\nthree\n", "two\n"]


def test_a_reader_neither_edits_nor_runs_commands(reader: Played) -> None:
    assert reader.outcomes[1:3] == [NO, NO]
    assert "refused" in reader.outcomes[7] and "refused" in reader.outcomes[8]
    assert not (reader.here.tree / "new.txt").exists()


def test_nothing_outside_the_worktree_is_read_over_a_link_neither(reader: Played) -> None:
    assert [("refused" in one, "private" in one) for one in reader.outcomes[5:7]] == [(True, False)] * 2


def test_a_reader_is_offered_no_hands_that_it_may_not_use(reader: Played) -> None:
    offered = reader.outcomes[9]
    assert offered["fs"] == {"readTextFile": True, "writeTextFile": False} and offered["terminal"] is False


def test_a_reader_that_was_refused_and_delivered_all_the_same_has_answered(reader: Played) -> None:
    assert reader.report.outcome is WorkerOutcome.COMPLETED
    assert len(reader.report.stream.denials) == 6
    assert "edit code.txt: a worker that may read writes no files" in reader.report.stream.denials[0]


def test_the_closing_message_is_the_result_without_what_was_said_before(reader: Played) -> None:
    written = (reader.here.folder / "run" / "results" / "result.md").read_text()
    assert json.loads(written) == reader.outcomes


def test_the_model_that_answers_in_the_end_is_taken_from_the_protocol(reader: Played) -> None:
    assert reader.report.stream.model == "acme/large-2"


def test_tokens_and_money_are_taken_from_the_protocol(reader: Played) -> None:
    tokens = Tokens(100, 50, 0, 10)
    used = reader.report.stream.usage
    assert used is not None and Tokens(*used[:4]) == tokens and used.cost_usd == 0.25
    assert used.models == (ModelTokens("acme/large-2", tokens, 0.25),)


def test_an_executor_edits_and_runs_in_its_worktree(executor: Played) -> None:
    assert executor.outcomes[:2] == [YES, YES]
    assert (executor.here.tree / "deep" / "er" / "new.txt").read_text() == "by the agent: deep/er/new.txt\n"
    assert executor.outcomes[10] == [0, f"{executor.here.tree}\nseen\n"]
    assert executor.outcomes[11] == [3, "A LINE\n"]


def test_an_executor_writes_nothing_outside_its_worktree_over_a_link_neither(executor: Played) -> None:
    assert executor.outcomes[2] == NO
    assert all("refused" in one for one in executor.outcomes[7:10])
    assert executor.here.outside.read_text() == "private\n"
    assert not (executor.here.folder / "stolen.txt").exists()
    assert "outside the worktree" in executor.outcomes[12]


def test_nobody_writes_gits_own_file_or_pushes(executor: Played) -> None:
    assert executor.outcomes[3:5] == [NO, NO] and "nothing is pushed" in executor.outcomes[13]


def test_leave_for_always_is_never_given(executor: Played) -> None:
    assert executor.outcomes[5] == NO


def test_an_executor_that_was_refused_something_has_not_done_its_work(executor: Played) -> None:
    assert (executor.report.outcome, executor.report.stream.failure) == (WorkerOutcome.ERROR, Failure.DENIED)


def test_a_tester_runs_commands_and_edits_nothing_and_answers_with_the_model_asked_for(tmp_path: Path) -> None:
    tester = played(
        tmp_path,
        Access.TEST,
        ask("execute", command="make test"),
        {"run": "cat code.txt"},
        ask("edit", path="code.txt", options=["allow_once"]),
        {"write": "code.txt"},
        models=["acme/small-1", "acme/large-2"],
        model="acme/large-2",
    )
    assert tester.report.stream.model == "acme/large-2"
    assert tester.outcomes[:3] == [YES, [0, "one\ntwo\nthree\n"], "cancelled"]
    assert "refused" in tester.outcomes[3] and (tester.here.tree / "code.txt").read_text().startswith("one")


def test_a_result_that_a_tool_call_follows_stays_the_result(client: Client) -> None:
    text = "---\\\\nworker: mine\\\\n---\\\\nfound"
    said, tool = (
        f'{{"jsonrpc": "2.0", "method": "session/update", "params": {{"sessionId": "s", "update": {update}}}}}'
        for update in (
            f'{{"sessionUpdate": "agent_message_chunk", "content": {{"type": "text", "text": "{text}"}}}}',
            '{"sessionUpdate": "tool_call", "toolCallId": "t", "title": "tidy up"}',
        )
    )
    asked = f"echo '{HELLO}'; read -r line; echo '{OPENED}'; read -r line"
    ended = """echo '{"jsonrpc": "2.0", "id": 2, "result": {"stopReason": "end_turn"}}'"""
    heard = client.hears_shell(f"{asked}; printf '{said}\\n'; echo '{tool}'; {ended}")
    assert heard.last_message == "---\nworker: mine\n---\nfound"


BROKEN = (WorkerOutcome.ERROR, Failure.CLIENT)
HELLO = '{"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": 1}}'
OPENED = '{"jsonrpc": "2.0", "id": 1, "result": {"sessionId": "s"}}'


class Client:
    """okstra's client in this process: importing the protocol's SDK takes most of the time of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._work, self._capsys = job(place(folder), Access.READ), capsys
        monkeypatch.chdir(self._work.folder)

    def hears(self, *argv: str, model: str = "default", **more: Any) -> StreamResult:
        agent = Acp(Agent("mine", argv, install="npm i mine", **{"login": "mine login", **more}))
        orders = agent.launch(self._work._replace(model=model), "", {}).environment[ORDERS]
        status = asyncio.run(Turn(list(argv), json.loads(orders)).play("do it"))
        heard = agent.read_stream(self._capsys.readouterr().out.encode(), b"", status)
        assert status == (heard.failure is not Failure.NONE)
        return heard

    def hears_shell(self, script: str, **more: Any) -> StreamResult:
        """An agent that is a shell script; it has read the first message."""
        return self.hears("sh", "-c", f"read -r line\n{script}", **more)


@pytest.fixture
def client(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Client:
    return Client(tmp_path, capsys, monkeypatch)


def test_an_agent_that_never_answers_is_given_up(client: Client) -> None:
    heard = client.hears_shell("echo some banner; sleep 600", start_seconds=0.3)
    assert heard.failure is Failure.CLIENT
    assert "did not answer initialize within 0.3 seconds" in heard.message and "some banner" in heard.message


def test_a_stop_while_it_is_still_silent_is_answered_at_once(client: Client) -> None:
    heard = client.hears_shell(f"kill -TERM $PPID; sleep {SOON}", start_seconds=SOON)
    assert (heard.ended, heard.failure) == (False, Failure.INTERRUPTED)
    assert heard.message == "it was asked to end before its turn began"


def test_garbage_on_its_output_is_passed_over_and_named_when_it_ends(client: Client) -> None:
    heard = client.hears_shell(f"printf 'Welcome\\n[1]\\n\\377\\n'; echo '{HELLO}'; read -r line; exit 3")
    assert heard.failure is Failure.CLIENT
    assert "ended with 3 before it answered session/new" in heard.message and "Welcome" in heard.message


def test_an_answer_that_is_not_the_protocols_is_named(client: Client) -> None:
    heard = client.hears_shell("""echo '{"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": "x"}}'; sleep 600""")
    assert heard.failure is Failure.CLIENT
    assert heard.message == "its answer to initialize is not the protocol's; try: npm i mine"


def test_another_version_of_the_protocol_is_refused_with_a_remedy(client: Client) -> None:
    heard = client.hears_shell(f"echo '{HELLO.replace('1}}', '99}}')}'; sleep 600")
    assert heard.failure is Failure.CLIENT
    assert "version 99" in heard.message and "try: npm i mine" in heard.message


def test_a_message_without_end_is_cut(client: Client) -> None:
    heard = client.hears_shell("head -c 70000000 /dev/zero; sleep 600")
    assert heard.failure is Failure.CLIENT and "more than 32 MB" in heard.message


def test_an_agent_that_needs_a_login_says_so_with_the_remedy(client: Client) -> None:
    refused = '{"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "Authentication required"}}'
    heard = client.hears_shell(f"echo '{HELLO}'; read -r line; echo '{refused}'; sleep 600")
    assert heard.failure is Failure.LOGIN and "try: mine login" in heard.message


def test_a_login_that_is_missed_only_at_the_prompt_is_a_login_failure(client: Client) -> None:
    refused = '{"jsonrpc": "2.0", "id": 2, "error": {"code": -32000, "message": "Authentication required"}}'
    opened = f"echo '{HELLO}'; read -r line; echo '{OPENED}'; read -r line; echo '{refused}'; sleep 600"
    heard = client.hears_shell(opened)
    assert heard.failure is Failure.LOGIN and "try: mine login" in heard.message
    heard = client.hears_shell(opened, login="")
    assert heard.failure is Failure.LOGIN and "agents.mine.login in config.json" in heard.message


def test_an_agent_that_is_not_there_is_named(client: Client) -> None:
    heard = client.hears("no-such-agent", "acp")
    assert heard.failure is Failure.CLIENT
    assert heard.message == "no-such-agent is not on the PATH; try: npm i mine"


def test_an_agent_that_offers_no_choice_of_models_does_not_answer_in_anothers_name(client: Client) -> None:
    heard = client.hears_shell(f"echo '{HELLO}'; read -r line; echo '{OPENED}'; sleep 600", model="acme/large-2")
    assert heard.failure is Failure.CLIENT and "no choice of models, and acme/large-2 was asked for" in heard.message


def test_an_agent_that_dies_midway_is_an_error_with_its_status(client: Client) -> None:
    heard = client.hears_shell(f"echo '{HELLO}'; read -r line; echo '{OPENED}'; read -r line; kill -9 $$")
    assert heard.failure is Failure.CLIENT
    assert heard.message == "it ended with -9 before it answered session/prompt"


def test_a_limit_of_its_provider_is_known_with_its_end(client: Client) -> None:
    said = "429 rate limit, try again in 90 minutes"
    error = f'{{"jsonrpc": "2.0", "id": 2, "error": {{"code": -32603, "message": "{said}"}}}}'
    heard = client.hears_shell(
        f"echo '{HELLO}'; read -r line; echo '{OPENED}'; read -r line; echo '{error}'; sleep 600"
    )
    assert heard.failure is Failure.RATE_LIMIT and heard.retry_after == 5400


def test_an_agent_is_asked_to_end_by_the_protocol_and_nothing_of_it_stays(tmp_path: Path) -> None:
    here = place(tmp_path)
    work, stop = job(here, Access.EDIT), threading.Event()
    script = {"steps": [{"run": "touch ready"}, {"wait": SOON}], "usage": {"input_tokens": 5, "output_tokens": 1}}
    reports: list[Report] = []
    thread = threading.Thread(target=lambda: reports.append(play(scripted(here, script), work, stop=stop)))
    thread.start()
    deadline = time.monotonic() + SOON
    while not (here.tree / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join(SOON)
    assert ends(reports[0]) == (WorkerOutcome.ERROR, Failure.INTERRUPTED)
    assert reports[0].stream.usage is not None and reports[0].stream.usage.input == 5
    assert left_of(work) == []


@pytest.mark.stress
@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "max_turn_requests"])
def test_a_turn_that_the_agent_did_not_end_well_is_no_answer(tmp_path: Path, reason: str) -> None:
    here = place(tmp_path)
    report = play(scripted(here, {"steps": [{"say": "half"}, {"end": reason}]}), job(here, Access.READ))
    assert ends(report) == BROKEN and reason in report.stream.message


@pytest.mark.stress
def test_an_agent_beyond_its_soft_limit_is_cancelled(tmp_path: Path) -> None:
    here = place(tmp_path)
    work = job(here, Access.EDIT, soft=3.0, hard=60.0)
    report = play(scripted(here, {"steps": [{"wait": SOON}]}), work)
    assert ends(report) == (WorkerOutcome.TIMEOUT, Failure.INTERRUPTED) and report.seconds < 30
    assert left_of(work) == []


@pytest.mark.stress
def test_an_agent_that_writes_a_gigabyte_is_an_error(tmp_path: Path) -> None:
    text = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x" * 100_000}}
    chunk = {"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": text}}
    (tmp_path / "chunk").write_text(json.dumps(chunk) + "\n")
    flood = f"while cat '{tmp_path / 'chunk'}'; do :; done"
    script = f"read -r line; echo '{HELLO}'; read -r line; echo '{OPENED}'; read -r line; {flood}"
    work = job(place(tmp_path / "here"), Access.READ)
    report = play(Agent("mine", ("sh", "-c", script)), work)
    assert ends(report) == BROKEN and "without end" in report.stream.message and left_of(work) == []


def test_without_the_extra_a_worker_names_it(tmp_path: Path) -> None:
    start = "import sys; sys.modules['acp'] = None; from okstra_ctl.agents.acp.worker import main; main()"
    environment = {**os.environ, ORDERS: "{}", "PYTHONPATH": str(ROOT / "python")}
    ended = subprocess.run([sys.executable, "-c", start, "mine"], input=b"", capture_output=True, env=environment)
    heard = Acp(Agent("mine", ("mine",))).read_stream(ended.stdout, ended.stderr, ended.returncode)
    assert (ended.returncode, heard.failure) == (1, Failure.CLIENT)
    assert "okstra install --with acp" in heard.message
