"""What a command prints."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.errors import Busy, OkstraError, Refused
from okstra_ctl.output import Reply, fields, porcelain, print_error, print_reply, table
from okstra_ctl.system.text import printable
from support import schemas

_ANY = st.text(st.characters(), max_size=20)  # surrogates too


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand tab", "two\nlines\tand tab"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb", "a\\x0db"),
        ("\0\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("right\u202eto left", "right\\u202eto left"),
        ("caf\udce9", "caf\\xe9"),
        ("한글 🚀", "한글 🚀"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(_ANY)
def test_what_is_printed_holds_no_control_character(text: str) -> None:
    shown = printable(text)
    assert all(char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    shown.encode("utf-8")
    assert printable(shown) == shown


def _unescaped(field: str) -> str:
    """What a reader of the porcelain form does."""
    letters = iter(field)
    known = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
    return "".join(known[next(letters)] if letter == "\\" else letter for letter in letters)


@given(
    st.lists(st.lists(st.text(max_size=8) | st.sampled_from(["\\", "\t", "\\t", "\n", "\r\n"]), min_size=3, max_size=3))
)
def test_porcelain_round_trip(rows: list[list[str]]) -> None:
    text = porcelain(rows)
    assert [[_unescaped(cell) for cell in line.split("\t")] for line in text.split("\n") if rows] == rows


def test_porcelain_keeps_one_record_a_line_when_printed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["a\tb", "", "c\nd"], ["\x1b[31m", "\\", ""]]
    print_reply("x", Reply({}, porcelain(rows)), as_json=False)
    assert capsys.readouterr().out == "a\\tb\t\tc\\nd\n\\x1b[31m\t\\\\\t\n"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def test_wide_letters_take_two_columns() -> None:
    lines = table([("로그인", "x"), ("ab", "x"), ("ｆｕｌｌ", "x")], ("name", "y")).split("\n")
    assert [_columns(line[: line.rindex(line[-1])]) for line in lines] == [10, 10, 10, 10]


@given(st.lists(st.tuples(_ANY, _ANY), min_size=1, max_size=5))
def test_a_table_has_one_line_a_row_and_straight_columns(rows: list[tuple[str, str]]) -> None:
    marked = [(first, f"|{second}") for first, second in rows]
    lines = table(marked, ("head", "|")).split("\n")
    assert len(lines) == len(rows) + 1
    starts = {
        _columns(line.split("|")[0]) for line, (first, _) in zip(lines[1:], rows, strict=True) if "|" not in first
    }
    assert len(starts) <= 1
    assert all(not line.endswith(" ") for line in lines)


def test_fields_leave_out_what_is_empty() -> None:
    assert (
        fields([("a", "1"), ("longer", 2), ("none", None), ("empty", ""), ("zero", 0)])
        == "a       1\nlonger  2\nzero    0"
    )


def test_data_on_stdout_talk_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_reply("x", Reply({"a": 1}, "text", talk=["by the way"]), as_json=False) == 0
    assert tuple(capsys.readouterr()) == ("text\n", "by the way\n")
    assert print_reply("x", Reply({"a": 1}, "text", talk=["by the way"], exit_status=4), as_json=True) == 4
    out, err = capsys.readouterr()
    assert json.loads(out) == {"okstra": "x/1", "status": "error", "data": {"a": 1}, "errors": []}
    assert err == "by the way\n"


def test_an_empty_answer_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_reply("x", Reply({}, ""), as_json=False)
    assert tuple(capsys.readouterr()) == ("", "")


@pytest.mark.parametrize(
    ("error", "status"),
    [(Refused("stage-done", "it is done", where="stage 1", hint="rerun"), "refused"), (Busy("busy", "held"), "error")],
)
def test_an_error_in_both_forms(error: OkstraError, status: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_error("stage done", error, as_json=True) == error.exit_status
    out, err = capsys.readouterr()
    envelope = json.loads(out)
    assert schemas.faults(envelope, "envelope") == []
    assert (envelope["okstra"], envelope["status"]) == ("stage done/1", status)
    assert envelope["errors"] == [error.as_record()]
    assert err.startswith(f"okstra: error: {error.message}\n")
    assert ("  where: stage 1\n  try: rerun\n" in err) == bool(error.where)


def test_a_hostile_message_reaches_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("x", Busy("busy", "\x1b[2J", where="\x1b]0;x\x07"), as_json=False)
    assert "\x1b" not in capsys.readouterr().err


@given(st.dictionaries(_ANY, _ANY, max_size=3))
def test_the_json_answer_is_one_line_of_utf8(data: dict[str, str]) -> None:
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_reply("x", Reply(data, ""), as_json=True)
    text = out.getvalue()
    text.encode("utf-8")
    assert text.count("\n") == 1 and text.endswith("\n")
    assert json.loads(text)["data"].keys() == json.loads(json.dumps(data)).keys()
