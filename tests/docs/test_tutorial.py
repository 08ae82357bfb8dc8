"""The tutorial is played: every command that it shows is typed, and prints what it shows."""

from __future__ import annotations

import os
from pathlib import Path

from support.played import compared, play, shown_in, written_into
from support.sealed import ROOT

_PAGE = ROOT / "docs" / "tutorial.md"


def test_the_tutorial_shows_what_its_commands_print(tmp_path: Path) -> None:
    text = _PAGE.read_text(encoding="utf-8")
    shown = shown_in(text)
    played = play([one.command for one in shown], tmp_path / "home")
    if os.environ.get("OKSTRA_WRITE_DOCS") == "1":
        _PAGE.write_text(written_into(text, played), encoding="utf-8")
        return
    assert len(shown) > 15
    assert compared(shown) == compared(played), "OKSTRA_WRITE_DOCS=1 pytest tests/docs/test_tutorial.py writes it anew"


def test_a_command_of_the_tutorial_that_fails_or_prints_something_else_is_noticed(tmp_path: Path) -> None:
    page = "```console\n$ echo one\none\n$ printf 'two\\n'\nthree\n```\n"
    shown = shown_in(page)
    played = play([one.command for one in shown], tmp_path / "home")
    assert compared(shown)[0] == compared(played)[0] and compared(shown)[1] != compared(played)[1]
    assert written_into(page, played) == page.replace("three", "two")
    try:
        play(["echo one", "echo why >&2; false"], tmp_path / "other")
    except AssertionError as error:
        assert "echo why" in str(error)
    else:
        raise AssertionError("a failed command was not noticed")
