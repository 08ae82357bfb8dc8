"""Tables at a terminal of a given width."""

from __future__ import annotations

import re
import shlex
import time

import pytest

from okstra_ctl.system.folding import folded
from okstra_ctl.system.local_time import local_time
from okstra_ctl.system.text import display_width
from okstra_ctl.terminal import Screen, draw

_HEADER = ("run", "status", "since")
_ROW = ("shop:auth:LOGIN-7/implementation/stage-12/001", "failed", "2026-11-23T10:00:00Z")
_ESCAPE = re.compile(r"\x1b\[[0-9]+m")


def as_a_shell_reads(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", ""))


@pytest.mark.parametrize("columns", [60, 79, 80, 100, 1000])
def test_no_line_is_wider_than_the_terminal_and_no_key_is_cut(columns: int) -> None:
    rows = [_ROW, ("p:g:1/x/001", "completed", "2026")]
    text = draw(rows, _HEADER, Screen(columns, colour=False), below=[f"okstra resume {_ROW[0]}", ""])
    assert max(map(display_width, text.split("\n"))) <= columns
    assert "…" not in text and all(cell in text for row in rows for cell in row)
    assert (text.split("\n")[0].split() == list(_HEADER)) == (columns >= 45 + 2 + 9 + 2 + 20)


def test_a_row_that_does_not_fit_flows_and_names_its_numbers() -> None:
    row = ("2", "ready", "Print the words with their counts as a table", "1, 3", "-", "feat-top-s2")
    header = ("stage", "status", "title", "depends on", "run", "branch")
    assert draw([row], header, Screen(60, colour=False)).split("\n") == [
        "2  ready  Print the words with their counts as a table",
        "    depends on 1, 3  feat-top-s2",
    ]


def test_colour_changes_nothing_but_colour() -> None:
    plain = draw([_ROW], _HEADER, Screen(60, colour=False), status=1)
    coloured = draw([_ROW], _HEADER, Screen(60, colour=True), status=1)
    assert _ESCAPE.sub("", coloured) == plain
    assert "\x1b[31mfailed" in coloured


def test_a_command_below_a_row_is_folded_as_a_shell_reads_on() -> None:
    step = f"okstra stage done --run 'shop:auth:a b/implementation/stage-12/001' --overrule '{'why ' * 9}'"
    text = draw([_ROW, _ROW], _HEADER, Screen(60, colour=True), below=[step, ""], status=1)
    command = [line for line in text.split("\n") if line.startswith("    ") and "2026" not in line]
    assert len(command) > 1 and all(line.endswith(" \\") for line in command[:-1])
    assert as_a_shell_reads("\n".join(command)) == shlex.split(step)


@pytest.mark.parametrize("hostile", ["\x1b[2J\x1b]0;pwned\x07", "a\nb\tc", "\x9b31m", "\udcff"])
def test_a_cell_writes_no_escape_of_its_own(hostile: str) -> None:
    text = draw([(hostile, hostile, hostile)], _HEADER, Screen(200, colour=True), below=[hostile], status=1)
    assert len(text.replace("    ", "").split("\n")) <= 4
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", _ESCAPE.sub("", text)) is None


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_fields_are_folded_between_words_below_their_values(columns: int) -> None:
    command = "okstra plan approve /home/ann/shop/.okstra/tasks/auth/LOGIN-7/plan.md --task-key shop:auth:LOGIN-7"
    words = " ".join(["words"] * 30)
    text = folded(f"title  {words}\nnext   {command}\nrun    x", columns)
    lines = text.split("\n")
    assert all(display_width(line) <= columns or len(line.split()) <= 4 for line in lines)
    assert lines[0].startswith("title  words ") and lines[1].startswith("       words")
    assert " ".join(text.partition("\nnext")[0].split()[1:]) == words
    below = text.partition("\nnext")[2].partition("\nrun")[0]
    assert as_a_shell_reads(below) == command.split()
    assert lines[-1] == "run    x"


def test_what_fits_and_what_is_no_field_stays_as_it_is() -> None:
    for text in ("a  b", "one two three " * 20, "\tcode  here " * 20, "  indented  " + "x " * 90):
        assert folded(text, 60) == text


def test_times_are_those_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    try:
        assert local_time("2026-11-23T20:00:00Z") == "2026-11-24 05:00"
        assert local_time("2026-11-23T20:00:00Z", zone=True) == "2026-11-24 05:00 KST"
        assert local_time("nonsense", zone=True) == "nonsense"
    finally:
        monkeypatch.undo()
        time.tzset()
