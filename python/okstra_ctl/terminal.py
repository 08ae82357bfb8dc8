"""Output at a terminal: its width, okstra's colours, and tables that fit. Piped output does not use this module."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .status import BAD, BUSY, DIM, GOOD, HEAD, WARN, Line, tone_of
from .system.text import display_width, on_one_line

STYLES = {HEAD: "bold", DIM: "dim", BUSY: "cyan", GOOD: "green", WARN: "yellow", BAD: "red"}
_GAP = 2
_NARROWEST = 16


class Screen(NamedTuple):
    columns: int
    colour: bool


def screen_of(stream: TextIO, environment: Mapping[str, str]) -> Screen:
    """The terminal's width, or the one that COLUMNS names, and whether it shows colours."""
    named = environment.get("COLUMNS", "")
    try:
        columns = int(named) if named.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 80
    return Screen(columns or 80, has_colour(environment))


def has_colour(environment: Mapping[str, str]) -> bool:
    return not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"


def console_on(stream: TextIO | None, *, colour: bool, width: int | None = None) -> Console:
    """A rich console that prints text verbatim: no markup, no emoji names, no highlighting."""
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
    """The line in its colours. It must have been cut to fit: it is never wrapped."""
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


def draw(
    rows: Sequence[Sequence[str]], header: Sequence[str], screen: Screen, *, below: Sequence[str] = (), status: int = -1
) -> str:
    """A table. At a narrow terminal the middle of the first column's texts is left out. `below` is a line under each
    row, never shortened, because it is there to be copied. `status` is the column that is coloured by its word."""
    cells = [[on_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    room = screen.columns - sum(widths[1:]) - _GAP * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, _NARROWEST))
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="")
    for name, width in zip(cells[0], widths, strict=True):
        table.add_column(Text.assemble((name, STYLES[HEAD])), width=width, no_wrap=True)
    for first, *others in cells[1:]:
        row = [Text(shortened(first, widths[0])), *map(Text, others)]
        if status >= 0:
            row[status].stylize(STYLES.get(tone_of(row[status].plain), ""))
        table.add_row(*row)
    console = console_on(None, colour=screen.colour, width=sum(widths) + _GAP * len(widths))
    with console.capture() as captured:
        console.print(table)
    top, *drawn = (line.rstrip() for line in captured.get().splitlines())
    under = [f"\n    {on_one_line(text)}" if text else "" for text in below] or [""] * len(drawn)
    return "\n".join([top, *map("".join, zip(drawn, under, strict=True))])


def shortened(text: str, columns: int) -> str:
    """The text without its middle, if it is too wide. Its end matters more: a run's phase, stage and number."""
    if display_width(text) <= columns:
        return text
    head, tail = "", ""
    while display_width(head) + display_width(tail) + 1 < columns:
        longer = text[len(text) - len(tail) - 1] + tail
        if len(tail) <= 2 * len(head):
            tail = longer
        else:
            head = text[: len(head) + 1]
        if display_width(head) + display_width(tail) + 1 > columns:  # the last letter took two columns
            head, tail = (head, tail[1:]) if tail == longer else (head[:-1], tail)
            break
    return f"{head}…{tail}"
