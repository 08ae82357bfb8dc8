"""Output at a terminal: its width, okstra's colours, and tables that fit. Piped output does not use this module."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .status import BAD, BUSY, DIM, GOOD, HEAD, WARN, Line, tone_of
from .system.folding import flowed, folded_command
from .system.text import display_width, on_one_line

STYLES = {HEAD: "bold", DIM: "dim", BUSY: "cyan", GOOD: "green", WARN: "yellow", BAD: "red"}
_GAP = 2
_WIDEST = 1000  # where nothing limits it


class Screen(NamedTuple):
    columns: int
    colour: bool


def screen_of(stream: TextIO, environment: Mapping[str, str]) -> Screen:
    """The terminal's width, or the one that COLUMNS names, and whether it shows colours."""
    named = environment.get("COLUMNS", "")
    try:
        columns = int(named) if named.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 80 if stream.isatty() else _WIDEST
    return Screen(columns or 80, has_colour(environment))


def has_colour(environment: Mapping[str, str]) -> bool:
    """NO_COLOR goes before FORCE_COLOR, and both before what the terminal is."""
    if environment.get("NO_COLOR"):
        return False
    return environment.get("FORCE_COLOR", "0") not in ("", "0") or environment.get("TERM", "dumb") != "dumb"


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
    """A table; where it does not fit, each row's cells one after the other. No word is cut. `below` is a command under
    each row, to be copied. `status` is the column that is coloured by its word."""
    cells = [[on_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    fits = sum(widths) + _GAP * (len(widths) - 1) <= screen.columns
    drawn = _columns(cells, widths, screen, status) if fits else _flow(cells, screen, status)
    under = [list(folded_command(on_one_line(text), screen.columns, " " * 4)) if text else [] for text in below]
    under = under or [[] for _ in rows]
    top = drawn[:1] if fits else []
    return "\n".join([*top, *("\n".join([row, *lines]) for row, lines in zip(drawn[1:], under, strict=True))])


def _columns(cells: Sequence[Sequence[str]], widths: Sequence[int], screen: Screen, status: int) -> list[str]:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="")
    for name, width in zip(cells[0], widths, strict=True):
        table.add_column(Text.assemble((name, STYLES[HEAD])), width=width, no_wrap=True)
    for one in cells[1:]:
        row = [*map(Text, one)]
        if status >= 0:
            row[status].stylize(STYLES.get(tone_of(row[status].plain), ""))
        table.add_row(*row)
    console = console_on(None, colour=screen.colour, width=sum(widths) + _GAP * len(widths))
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def _flow(cells: Sequence[Sequence[str]], screen: Screen, status: int) -> list[str]:
    """The header has no place: a row's cells are told apart by what is in them, and a bare number has its name."""
    header, *rows = cells
    drawn = [""]
    for row in rows:
        named = [
            _named(name, cell) if place else cell for place, (name, cell) in enumerate(zip(header, row, strict=True))
        ]
        lines = "\n".join(flowed(named, screen.columns))
        word = row[status] if status >= 0 else ""
        style = STYLES.get(tone_of(word), "") if word else ""
        if style and screen.colour:
            console = console_on(None, colour=True)
            with console.capture() as captured:
                console.print(Text(word, style), end="")
            before, found, after = lines.rpartition(word)
            lines = before + captured.get() + after if found else lines
        drawn.append(lines)
    return drawn


def _named(name: str, cell: str) -> str:
    """Nothing for an empty cell; a number, or a list of them, after its column's name."""
    if cell in ("", "-"):
        return ""
    return f"{name} {cell}" if cell.replace(",", "").replace(" ", "").isdigit() else cell
