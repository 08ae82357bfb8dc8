"""Tables at a terminal of a given width."""

from __future__ import annotations

import re

import pytest

from okstra_ctl.system.text import display_width
from okstra_ctl.terminal import Screen, draw, shortened

_HEADER = ("run", "status", "since")
_ROW = ("shop:auth:LOGIN-7/implementation/stage-12/001", "failed", "2026-11-23T10:00:00Z")
_ESCAPE = re.compile(r"\x1b\[[0-9]+m")


@pytest.mark.parametrize("columns", [50, 60, 79, 80, 120, 1000])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    text = draw([_ROW, ("p:g:1/x/001", "completed", "2026")], _HEADER, Screen(columns, colour=False))
    assert max(map(display_width, text.split("\n"))) <= columns
    assert ("…" in text) == (columns < 45 + 2 + 9 + 2 + 20)
    assert all(line.endswith(("since", "Z", "2026")) for line in text.split("\n"))


def test_colour_changes_nothing_but_colour() -> None:
    plain = draw([_ROW], _HEADER, Screen(60, colour=False), status=1)
    coloured = draw([_ROW], _HEADER, Screen(60, colour=True), status=1)
    assert _ESCAPE.sub("", coloured) == plain
    assert "\x1b[31mfailed" in coloured


def test_what_is_below_a_row_stays_whole() -> None:
    step = "okstra resume shop:auth:LOGIN-7/implementation/stage-12/001"
    text = draw([_ROW, _ROW], _HEADER, Screen(40, colour=True), below=[step, ""], status=1)
    assert text.split("\n")[2] == f"    {step}"
    assert len(text.split("\n")) == 4


@pytest.mark.parametrize("hostile", ["\x1b[2J\x1b]0;pwned\x07", "a\nb\tc", "\x9b31m", "\udcff"])
def test_a_cell_writes_no_escape_of_its_own(hostile: str) -> None:
    text = draw([(hostile, hostile, hostile)], _HEADER, Screen(200, colour=True), below=[hostile], status=1)
    assert len(text.replace("    ", "").split("\n")) <= 4
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", _ESCAPE.sub("", text)) is None


@pytest.mark.parametrize(
    "text", ["abcdefghijklmnopqrstuvwxyz", "한국어로적힌작업의이름입니다정말로", "a한b국c어d로e적f힌"]
)
@pytest.mark.parametrize("columns", range(1, 30))
def test_shortened_text_fits_and_keeps_its_end(text: str, columns: int) -> None:
    short = shortened(text, columns)
    assert display_width(short) <= columns
    assert short == text or ("…" in short and text.endswith(short.partition("…")[2]))
    assert short == text or display_width(short) >= columns - 1
