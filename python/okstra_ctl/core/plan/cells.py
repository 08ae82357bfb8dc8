"""The text inside a heading or a table cell: code spans, comments, marks of emphasis, numbers.

Every function takes one pass over its text, whatever the text holds.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from html import unescape
from typing import NamedTuple

from .word_sets import word_set

_TICKS = re.compile(r"`+")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE = re.compile(r"\\([*_|\[\]<>#~`])")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_BREAK = re.compile(r"<br[ \t]{0,9}/?>", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+")
_SPACE = re.compile(r"\s+")

# A cell that says in words that there is nothing.
NOTHING = word_set("none n/a na nil nothing tbd todo ? - -- --- – — − ∅ 없음 미정")


class Piece(NamedTuple):
    """A stretch of text, inside a code span or outside; `closed` is False for a span that never ends."""

    text: str
    is_code: bool
    closed: bool = True


def pieces(text: str) -> list[Piece]:
    """The text (str) cut into code spans and what stands between (list of Piece)."""
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(text)]
    by_length: dict[int, list[int]] = {}
    for start, end in runs:
        by_length.setdefault(end - start, []).append(start)
    result, done = [], 0
    for start, end in runs:
        if start < done or (start > 0 and text[start - 1] == "\\"):
            continue
        starts = by_length[end - start]
        closing = bisect_right(starts, start)
        if closing == len(starts):
            continue
        result += [_between(text[done:start]), Piece(text[end : starts[closing]].strip(), True)]
        done = starts[closing] + end - start
    return [piece for piece in (*result, _between(text[done:])) if piece.text]


def _between(text: str) -> Piece:
    return Piece(text, False, "`" not in text)


def without_comments(text: str) -> str:
    """The text (str) without HTML comments."""
    kept, done = [], 0
    while (start := text.find("<!--", done)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[done:start])
        done = end + 3
    return "".join(kept) + text[done:] if kept else text


def outside_code(text: str) -> str:
    """Text (str) from outside a code span as a reader sees it: escapes, entities and links undone."""
    if "[" in text:
        text = _LINK.sub(r"\1", text)
    if "&" in text:
        text = _ENTITY.sub(lambda found: unescape(found.group()), text)
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def plain_text(text: str) -> str:
    """A heading or cell (str) as plain words on one line."""
    if text.isalnum():
        return text
    parts = [piece.text if piece.is_code else _unmarked(piece.text) for piece in pieces(without_comments(text))]
    return _SPACE.sub(" ", "".join(parts)).strip()


def _unmarked(text: str) -> str:
    words = [word.strip("*") for word in outside_code(split_breaks(text, " ")).split(" ")]
    # Underscores are marks only around words; inside they belong to a name.
    return " ".join(word[1:-1] if word[:1] == word[-1:] == "_" and len(word) > 1 else word for word in words)


def split_breaks(text: str, mark: str) -> str:
    """The text (str) with `<br>` replaced by a mark (str)."""
    return _BREAK.sub(mark, text) if "<" in text else text


def says_nothing(text: str) -> bool:
    """Whether a cell (str, plain) is empty or says so in words: `(none)`, a dash, `n/a`, `TBD`, `없음`."""
    return text.strip(" \t()[]<>.*_").casefold() in NOTHING or not text.strip(" \t()[]<>.*_-")


def one_number(text: str) -> int | None:
    """The number (int) of a cell that holds exactly one, such as `3`, `Stage 3`, `3 steps`; else None."""
    found = _NUMBER.findall(text)
    if len(found) != 1 or len(found[0]) > 9 or re.search(r"[0-9][.,][0-9]|(?<!\w)-[0-9]", text):
        return None
    return int(found[0])


def folded(text: str) -> str:
    """The text (str) for comparison: letter case and white space don't count."""
    return _SPACE.sub(" ", text).strip().casefold()


def shown(text: str) -> str:
    """The text (str) as a message may show it: short, on one line, without control characters."""
    short = (text if len(text) <= 60 else text[:57] + "…").replace("`", "'")
    return "`" + "".join(sign if sign.isprintable() else "?" for sign in short) + "`"
