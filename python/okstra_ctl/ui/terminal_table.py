"""Tables at a terminal: with colour, and cut to its width. Piped ones stay plain and whole (`reply.table`)."""

from __future__ import annotations

import os

from ..core.terminal_text import display_width, printable
from ..core.tones import BAD, BUSY, GOOD, WARN, tone_of
from ..words.hints import Mapping, Sequence, TextIO
from ..words.records import Record

_GAP = 2
_NARROWEST = 16
_HEAD, _OFF = "\x1b[1m", "\x1b[0m"
_COLOURS = {BUSY: "\x1b[36m", WARN: "\x1b[33m", GOOD: "\x1b[32m", BAD: "\x1b[31m"}


class Screen(Record):
    columns: int
    colour: bool


def screen_of(stream: TextIO, environment: Mapping[str, str]) -> Screen | None:
    """The terminal behind the stream; None when it is none."""
    if not stream.isatty():
        return None
    named = environment.get("COLUMNS", "")
    try:
        columns = int(named) if named.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 80
    return Screen(columns or 80, not environment.get("NO_COLOR") and environment.get("TERM") != "dumb")


def draw(
    rows: Sequence[Sequence[str]], header: Sequence[str], screen: Screen, *, below: Sequence[str] = (), status: int = -1
) -> str:
    """The first column gives way when the terminal is narrow: its middle is left out. `below` is a line under each row,
    whole whatever its width, for it is there to be copied. `status` is the column that is coloured by its word."""
    cells = [[_on_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    room = screen.columns - sum(widths[1:]) - _GAP * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, _NARROWEST))
    lines = []
    for number, row in enumerate(cells):
        row[0] = shortened(row[0], widths[0])
        padded = [cell + " " * (width - display_width(cell)) for cell, width in zip(row[:-1], widths, strict=False)]
        padded.append(row[-1])
        if screen.colour:
            padded = _coloured(padded, row, status, is_header=number == 0)
        lines.append((" " * _GAP).join(padded))
        if number and number <= len(below) and below[number - 1]:
            lines.append(f"    {_on_one_line(below[number - 1])}")
    return "\n".join(lines)


def _on_one_line(text: str) -> str:
    return printable(text).replace("\n", " ").replace("\t", " ")


def shortened(text: str, columns: int) -> str:
    """The text with its middle left out, if it is wider. Its end tells more: a run's phase, stage and number."""
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


def _coloured(padded: Sequence[str], row: Sequence[str], status: int, *, is_header: bool) -> list[str]:
    if is_header:
        return [f"{_HEAD}{cell}{_OFF}" for cell in padded]
    colour = _COLOURS.get(tone_of(row[status]), "") if status >= 0 else ""
    return [f"{colour}{cell}{_OFF}" if place == status and colour else cell for place, cell in enumerate(padded)]
