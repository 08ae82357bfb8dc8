"""The manual page: it names every command and exit status, and man's own formatter has nothing to say of it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from okstra_ctl.command_table import COMMANDS
from okstra_ctl.errors import EXIT_MEANINGS
from okstra_ctl.reference import man_page


def shown() -> str:
    program = shutil.which("groff")
    if program is None:
        pytest.skip("no groff")
    argv = [program, "-man", "-Tascii", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=100n"]
    ended = subprocess.run(argv, input=man_page(), capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return ended.stdout


def test_every_command_is_in_it() -> None:
    text = shown()
    assert [one.name for one in COMMANDS if f"okstra {one.name}" not in text] == []


def test_every_exit_status_is_in_it() -> None:
    section = shown().partition("EXIT STATUS")[2].partition("ENVIRONMENT")[0]
    assert [meaning for meaning in EXIT_MEANINGS.values() if meaning not in " ".join(section.split())] == []


def test_no_line_of_it_is_a_command_by_accident() -> None:
    known = (".TH", ".SH", ".SS", ".TP", ".RS", ".RE", ".B", '.\\"')
    assert [line for line in man_page().splitlines() if line[:1] in (".", "'") and not line.startswith(known)] == []


@pytest.mark.parametrize("columns", ["40", "200"])
def test_it_does_not_depend_on_the_terminal_or_the_day(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    before = man_page()
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert man_page() == before


def test_every_flag_is_in_it_once_for_its_command() -> None:
    text = " ".join(shown().split())
    section = text.partition("okstra stage release ")[2].partition("okstra stage publish ")[0]
    assert section.count("--run RUN") == 1
    assert text.count("--project-root DIR") == 1
