"""Lines of text in pieces that have a tone: cut to a width, and coloured for a terminal."""

from __future__ import annotations

from ..core.terminal_text import beginning, display_width, on_one_line
from ..core.tones import BAD, BUSY, DIM, GOOD, HEAD, WARN, Line, Piece
from ..words.hints import Iterable

_OFF = "\x1b[0m"
_CODES = {
    HEAD: "\x1b[1m",
    DIM: "\x1b[2m",
    BUSY: "\x1b[36m",
    GOOD: "\x1b[32m",
    WARN: "\x1b[33m",
    BAD: "\x1b[31m",
}


def fitted(line: Line, columns: int | None, more: str) -> list[Piece]:
    """The line, without what goes over so many columns."""
    pieces = [Piece(on_one_line(piece.text), piece.tone) for piece in line]
    if columns is None or sum(display_width(piece.text) for piece in pieces) <= columns:
        return pieces
    more = more[: max(columns, 0)]
    kept: list[Piece] = []
    room = columns - display_width(more)
    for text, tone in pieces:
        shown = beginning(text, room)
        if shown != text:
            return [*kept, Piece(shown + more, tone)]
        kept.append(Piece(text, tone))
        room -= display_width(text)
    return kept


def text_of(line: Iterable[Piece], *, colour: bool) -> str:
    if not colour:
        return "".join(piece.text for piece in line).rstrip()
    return "".join(f"{_CODES[tone]}{text}{_OFF}" if tone in _CODES and text else text for text, tone in line)
