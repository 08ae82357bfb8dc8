"""Text for a terminal: that only shows, and how many columns it takes."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """Text that only shows: control characters (terminal escapes among them) are spelled out."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char in "\n\t" or char.isprintable() else _spelled(char) for char in text)


def on_one_line(text: str) -> str:
    return printable(text).replace("\n", " ").replace("\t", " ")


def display_width(text: str) -> int:
    """Columns at a terminal: Korean and other wide letters take two."""
    if text.isascii():
        return len(text)

    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def beginning(text: str, columns: int) -> str:
    """As much of the text as fits."""
    width = 0
    for place, char in enumerate(text):
        width += display_width(char)
        if width > columns:
            return text[:place]
    return text


def cut(text: str, columns: int, more: str) -> str:
    """The text in so many columns; `more` stands at its end where something is left out."""
    if display_width(text) <= columns:
        return text
    more = more[: max(columns, 0)]
    return beginning(text, columns - display_width(more)) + more


def padded(text: str, columns: int) -> str:
    return text + " " * (columns - display_width(text))


def _spelled(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    if ord(char) < 256:
        return f"\\x{ord(char):02x}"
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
