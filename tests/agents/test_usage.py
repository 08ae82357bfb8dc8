"""Counting what a session has spent from the files that its client keeps: real files, whole, torn, gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from okstra_ctl.agents.usage import Counted, claude_session, codex_thread
from okstra_ctl.usage.tokens import ModelTokens, Tokens
from support.session_files import SESSION, answer, asked, rollout
from support.session_files import claude_session as write_session

SONNET, HAIKU = "claude-sonnet-5-5", "claude-haiku-5-5"


def _count(home: Path, since: str = "") -> dict[str, Counted] | None:
    return claude_session(str(home), SESSION, since, lambda text: "codex" if "codex-prompt" in text else "")


def _tokens(counted: Counted) -> dict[str, Tokens]:
    return {share.model: share.tokens for share in counted.models}


def test_an_answer_is_counted_once_however_many_rows_it_has(tmp_path: Path) -> None:
    """Each block of an answer is a row of its own, with what was counted until then: the last one is right."""
    rows = [
        answer("m1", SONNET, 10, 200, 30, 1),
        answer("m1", SONNET, 10, 200, 30, 44),
        answer("m2", SONNET, 5, 0, 0, 6),
    ]
    write_session(tmp_path, rows)
    counted = _count(tmp_path)
    assert counted is not None
    share = ModelTokens(SONNET, Tokens(15, 200, 30, 50), None, 0, largest=240)
    assert counted == {"": Counted((share,), True)}


def test_sub_agents_are_counted_each_with_its_model_and_its_worker(tmp_path: Path) -> None:
    own = [answer("m1", SONNET, 1, 0, 0, 1), answer("m2", HAIKU, 2, 0, 0, 2, sidechain=True)]
    agents = {
        "a": [asked("look around"), answer("a1", HAIKU, 10, 0, 0, 10)],
        "b": [asked("PROMPT=/run/prompts/codex-prompt-x-001.md"), answer("b1", SONNET, 100, 0, 0, 100)],
    }
    write_session(tmp_path, own, agents)
    counted = _count(tmp_path)
    assert counted is not None
    assert _tokens(counted[""]) == {SONNET: Tokens(1, 0, 0, 1), HAIKU: Tokens(12, 0, 0, 12)}
    assert _tokens(counted["codex"]) == {SONNET: Tokens(100, 0, 0, 100)}


def test_the_same_answer_in_two_files_is_one(tmp_path: Path) -> None:
    write_session(tmp_path, [answer("m1", SONNET, 7, 0, 0, 7)], {"a": [asked("x"), answer("m1", SONNET, 7, 0, 0, 7)]})
    counted = _count(tmp_path)
    assert counted is not None
    assert _tokens(counted[""]) == {SONNET: Tokens(7, 0, 0, 7)}


def test_what_was_asked_before_is_not_of_the_run(tmp_path: Path) -> None:
    before = answer("m0", SONNET, 999, 0, 0, 999, at="2026-11-01T00:00:00.000Z")
    write_session(tmp_path, [before, answer("m1", SONNET, 1, 0, 0, 1)])
    counted = _count(tmp_path, since="2026-11-02T00:00:00Z")
    assert counted is not None
    assert _tokens(counted[""]) == {SONNET: Tokens(1, 0, 0, 1)}


def test_the_clients_own_words_are_no_answer_of_a_model(tmp_path: Path) -> None:
    write_session(tmp_path, [answer("m1", "<synthetic>", 0, 0, 0, 0)])
    assert _count(tmp_path) == {"": Counted((), True)}


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_torn_file_tells_at_least_what_it_holds(tmp_path: Path, cut: int) -> None:
    path = write_session(tmp_path, [answer("m1", SONNET, 3, 0, 0, 4), answer("m2", SONNET, 5, 0, 0, 6)])
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    counted = _count(tmp_path)
    assert counted is not None
    assert not counted[""].whole
    assert _tokens(counted[""])[SONNET].input in (3, 8)


@pytest.mark.parametrize("noise", [b"\xff\xfe{\n", b'{"usage": \n', b'{"type": "assistant", "message": {"usage": 3}\n'])
def test_a_line_that_cant_be_read_may_have_been_a_count(tmp_path: Path, noise: bytes) -> None:
    path = write_session(tmp_path, [answer("m1", SONNET, 3, 0, 0, 4)])
    path.write_bytes(noise + path.read_bytes())
    counted = _count(tmp_path)
    assert counted is not None
    assert (counted[""].whole, _tokens(counted[""])) == (False, {SONNET: Tokens(3, 0, 0, 4)})


@pytest.mark.parametrize("session", ["", "../x", "no-such", SESSION + "/..", "*"])
def test_no_file_is_no_count(tmp_path: Path, session: str) -> None:
    write_session(tmp_path, [answer("m1", SONNET, 3, 0, 0, 4)])
    assert claude_session(str(tmp_path), session, "", lambda text: "") is None
    assert claude_session("", SESSION, "", lambda text: "") is None


def test_nobody_waits_for_a_fifo(tmp_path: Path) -> None:
    path = write_session(tmp_path, [])
    agents = path.parent / SESSION / "subagents"
    agents.mkdir(parents=True)
    os.mkfifo(agents / "agent-x.jsonl")
    assert _count(tmp_path) == {"": Counted((), True)}


def test_tokens_that_are_kept_for_an_hour_are_told_apart(tmp_path: Path) -> None:
    write_session(tmp_path, [answer("m1", SONNET, 1, 0, 90, 1, long_written=80)])
    counted = _count(tmp_path)
    assert counted is not None
    assert counted[""].models[0].long_written == 80


# codex


def test_a_thread_is_counted_with_its_sub_agents(tmp_path: Path) -> None:
    rollout(tmp_path, "own", ("r1", 1000, 400, 10), ("r2", 2000, 1500, 20), model="gpt-5.5")
    rollout(tmp_path, "child", ("r3", 300, 0, 3), model="gpt-6-luna", parent="own")
    rollout(
        tmp_path,
        "grandchild",
        ("r4", 40, 0, 4),
        ("r3", 300, 0, 3),
        model="gpt-6-luna",
        parent="child",
        day="2026/11/23",
    )
    rollout(tmp_path, "stranger", ("r9", 9999, 0, 9), model="gpt-5.5", parent="another")
    rollout(tmp_path, "alone", ("r8", 8888, 0, 8), model="gpt-5.5")
    counted = codex_thread(str(tmp_path), "own")
    assert counted is not None and counted.whole
    assert _tokens(counted) == {"gpt-5.5": Tokens(1100, 1900, 0, 30), "gpt-6-luna": Tokens(340, 0, 0, 7)}
    assert {share.model: share.largest for share in counted.models} == {"gpt-5.5": 2000, "gpt-6-luna": 300}


def test_a_thread_without_a_count_tells_nothing(tmp_path: Path) -> None:
    assert codex_thread(str(tmp_path), "own") is None
    rollout(tmp_path, "own", model="gpt-5.5")
    assert codex_thread(str(tmp_path), "own") is None


def test_a_torn_thread_is_not_whole(tmp_path: Path) -> None:
    path = rollout(tmp_path, "own", ("r1", 1000, 400, 10), ("r2", 2000, 1500, 20), model="gpt-5.5")
    path.write_bytes(path.read_bytes()[:-30])
    counted = codex_thread(str(tmp_path), "own")
    assert counted == Counted((ModelTokens("gpt-5.5", Tokens(600, 400, 0, 10), None, 0, 1000),), False)
