"""Lines of text in pieces that have a tone: cut to a width, and coloured for a terminal."""

from __future__ import annotations

from ..core.tones import BAD, BUSY, GOOD, WARN
from ..words.hints import Iterable, Sequence
from ..words.records import Record
from .reply import display_width, printable

HEAD, DIM = "head", "dim"
_OFF = "\x1b[0m"
_CODES = {
    HEAD: "\x1b[1m",
    DIM: "\x1b[2m",
    BUSY: "\x1b[36m",
    GOOD: "\x1b[32m",
    WARN: "\x1b[33m",
    BAD: "\x1b[31m",
}


class Piece(Record):
    text: str
    tone: str = ""


Line = Sequence[Piece]


def on_one_line(text: str) -> str:
    """The text with nothing in it that steers a terminal."""
    return printable(text).replace("\n", " ").replace("\t", " ")


def cut(text: str, columns: int, more: str) -> str:
    """The text in so many columns; `more` stands at its end where something is left out."""
    if display_width(text) <= columns:
        return text
    more = more[: max(columns, 0)]
    return _beginning(text, columns - display_width(more)) + more


def _beginning(text: str, columns: int) -> str:
    width = 0
    for place, char in enumerate(text):
        width += display_width(char)
        if width > columns:
            return text[:place]
    return text


def padded(text: str, columns: int) -> str:
    return text + " " * (columns - display_width(text))


def fitted(line: Line, columns: int | None, more: str) -> list[Piece]:
    """The line, without what goes over so many columns."""
    pieces = [Piece(on_one_line(piece.text), piece.tone) for piece in line]
    if columns is None or sum(display_width(piece.text) for piece in pieces) <= columns:
        return pieces
    more = more[: max(columns, 0)]
    kept: list[Piece] = []
    room = columns - display_width(more)
    for text, tone in pieces:
        shown = _beginning(text, room)
        if shown != text:
            return [*kept, Piece(shown + more, tone)]
        kept.append(Piece(text, tone))
        room -= display_width(text)
    return kept


def text_of(line: Iterable[Piece], *, colour: bool) -> str:
    if not colour:
        return "".join(piece.text for piece in line).rstrip()
    return "".join(f"{_CODES[tone]}{text}{_OFF}" if tone in _CODES and text else text for text, tone in line)
