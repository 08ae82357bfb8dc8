"""The last line of a log: what is said, and nothing that steers a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.board.state import LONGEST, last_line
from support.pages import ANY_TEXT, HOSTILE


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", ""),
        ("one\ntwo\n", "two"),
        ("one\ntwo\n\n  \n", "two"),
        ("no end of line yet", "no end of line yet"),
        ("10%\r50%\r100%", "100%"),
        ("one\n\x1b[31mred\x1b[0m\x1b]0;a title\x07 \x1b(B\x1b=word\n", "red word"),
        ("one\n\x1b]0;a title that never ends\n", "one"),
        ("before\x1b]0;never ends\nafter", "after"),
        ("\x9b31mred\x07\x08\x00", "red"),
        ("a\u202eb\u200bc\ufeff\udcff", "abc"),
        ("한국어\t 로그", "한국어 로그"),
    ],
)
def test_plain_logs(log: str, line: str) -> None:
    assert last_line(log) == line


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"type": "assistant", "message": {"content": [{"type": "text", "text": "I look."}]}}, "I look."),
        (
            {"message": {"content": [{"type": "tool_use", "name": "Bash", "input": {"command": "pytest -q"}}]}},
            "Bash: pytest -q",
        ),
        ({"message": {"content": [{"type": "tool_use", "name": "Think", "input": {}}]}}, "Think"),
        ({"type": "user", "message": {"content": [{"type": "tool_result", "content": "3 passed"}]}}, "3 passed"),
        ({"type": "result", "subtype": "success", "result": "It is\ndone."}, "It is done."),
        ({"type": "item.completed", "item": {"type": "agent_message", "text": "Here."}}, "Here."),
        ({"type": "item.started", "item": {"type": "command_execution", "command": "ls"}}, "ls"),
        ({"type": "message", "role": "assistant", "content": "So."}, "So."),
        ({"text": "\x1b[2Jhid\x1b]0;x\x07den"}, "hidden"),
    ],
)
def test_streams_of_json(event: object, line: str) -> None:
    assert last_line("before\n" + json.dumps(event) + "\n") == line


@pytest.mark.parametrize("quiet", ['{"type": "turn.started"}', "{}", '{"message": {"content": []}}', '{"text": ""}'])
def test_an_event_that_says_nothing_is_passed_over(quiet: str) -> None:
    assert last_line(f"before\n{quiet}\n") == "before"


def test_what_only_looks_like_json_is_text() -> None:
    assert last_line('{"half": ') == '{"half":'
    assert last_line("{" * 5000)[:5] == "{{{{{"
    assert last_line('{"a":' * 5000)[:5] == '{"a":'


def test_a_deep_event_ends() -> None:
    deep: object = "found"
    for _ in range(300):
        deep = {"content": [deep]}
    assert last_line(f"before\n{json.dumps(deep)}") == "before"


@given(st.lists(ANY_TEXT | HOSTILE | st.sampled_from(["\x1b", "\x1b[", "\x1b]", "\x9b", "\r", "\n"])).map("".join))
def test_nothing_is_left_that_steers(log: str) -> None:
    for text in (last_line(log), last_line(json.dumps({"text": log}))):
        assert text.isprintable()
        assert len(text) <= LONGEST


def test_a_long_line_is_cut_in_no_time() -> None:
    assert len(last_line("x" * 100_000)) == LONGEST
    assert last_line("\x1b]" * 50_000) == ""
