"""The terminal behind standard output, and what okstra's colours look like there. Piped output never comes here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.text import Text

from .tones import BAD, BUSY, DIM, GOOD, HEAD, WARN, Line

STYLES = {HEAD: "bold", DIM: "dim", BUSY: "cyan", GOOD: "green", WARN: "yellow", BAD: "red"}


class Screen(NamedTuple):
    columns: int
    colour: bool


def screen_of(stream: TextIO, environment: Mapping[str, str]) -> Screen:
    """How wide the terminal is, or what COLUMNS says; and whether it shows colours."""
    named = environment.get("COLUMNS", "")
    try:
        columns = int(named) if named.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 80
    return Screen(columns or 80, has_colour(environment))


def has_colour(environment: Mapping[str, str]) -> bool:
    return not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"


def console_on(stream: TextIO | None, *, colour: bool, width: int | None = None) -> Console:
    """It writes texts as they are: nothing in them is markup, an emoji's name, or worth a colour of its own."""
    return Console(
        file=stream,
        width=width,
        force_terminal=True,
        color_system="standard" if colour else None,
        no_color=not colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def coloured(line: Line) -> Text:
    """The line as it looks at a terminal: cut before, and never wrapped."""
    text = Text(no_wrap=True, overflow="ignore")
    for piece in line:
        text.append(piece.text, STYLES.get(piece.tone))
    return text


def rendered(lines: Iterable[Line], *, colour: bool) -> str:
    console = console_on(None, colour=colour)
    with console.capture() as captured:
        for line in lines:
            console.print(coloured(line), soft_wrap=True)
    return captured.get().removesuffix("\n")
