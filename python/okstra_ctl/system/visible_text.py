"""Text in which every character is visible: control characters are spelled out.

Texts of agents and repositories may contain anything: terminal escapes, direction overrides, invisible tags. Spelled
out, they can't make a page look other than it is. And widths of text at a terminal.
"""

from __future__ import annotations

import re
import unicodedata

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    return text if _STEERING.search(text) is None else _STEERING.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\u2039U+{code:04X}\u203a"


def printable(text: str) -> str:
    """Text for a terminal: control characters (escapes included) are spelled out."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char in "\n\t" or char.isprintable() else _spelled_for_terminal(char) for char in text)


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
    """The text cut to so many columns; `more` is its end where something is left out."""
    if display_width(text) <= columns:
        return text
    more = more[: max(columns, 0)]
    return beginning(text, columns - display_width(more)) + more


def padded(text: str, columns: int) -> str:
    return text + " " * (columns - display_width(text))


def _spelled_for_terminal(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    if ord(char) < 256:
        return f"\\x{ord(char):02x}"
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
