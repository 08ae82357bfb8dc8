"""S5 and S10: the `Files` cells.

A cell lists patterns in code spans or bare, with commas, semicolons, `<br>` or, between code spans, spaces. Words
next to a code span are a remark (`src/a.py` (new)). Braces (`src/{a,b}.ts`) are spelled out.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod

from ..markdown import EMPTY_WORDS, Piece, outside_code, pieces, shown, split_breaks, without_comments
from .globs import PatternError, is_path_word, normalise
from .model import Finding, error
from .parse import FILES, Row

_MOST_FROM_BRACES = 64

_BULLET = re.compile(r"[-*+•][ \t]+")
_REMARK = re.compile(r"[ \t]\([^()]*\)$")
_LINES = re.compile(r"(?<=\w):\d{1,7}(?:[-–]\d{1,7})?$")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


def check_files(row: Row) -> tuple[tuple[str, ...], list[Finding]]:
    """The good patterns of a row, each once, with the findings of S5 and S10."""
    words = read_files(row.cell(FILES))
    if not words:
        message = "The `Files` cell names no file; write the paths or globs that the stage touches."
        return (), [error("S5", row.line, message)]
    good: dict[str, None] = {}
    bad = []
    for word in words:
        try:
            good[normalise(word)] = None
        except PatternError as problem:
            bad.append(f"{shown(word)} {problem}")
    if not bad:
        return tuple(good), []
    what = "; ".join(bad[:3]) + (f" (and {len(bad) - 3} more)" if len(bad) > 3 else "")
    message = f"{what}; write paths relative to the repository's root, inside it and not in `.git` or `.okstra`."
    return tuple(good), [error("S10", row.line, message)]


def read_files(cell: str) -> list[str]:
    """The patterns that a raw `Files` cell lists, not yet normalised."""
    parts: list[list[Piece]] = [[]]
    for piece in pieces(split_breaks(without_comments(cell), "\n")):
        if piece.is_code:
            parts[-1].append(piece)
        else:
            first, *rest = (Piece(text, False) for text in _split(outside_code(piece.text)))
            parts[-1].append(first)
            parts += [[one] for one in rest]
    found = []
    for part in parts:
        spans = [text.strip() for piece in part if piece.is_code for text in _split(piece.text)]
        found += spans or _bare_patterns(" ".join(piece.text for piece in part))
    return [pattern for word in found for pattern in _spell_out(word) if not _names_nothing(pattern)]


def _names_nothing(word: str) -> bool:
    """Whether a word is a dash, `none` and the like; `**`, `.` and even `..` do name something."""
    return word.strip(" \t()<>").casefold() in EMPTY_WORDS or not any(s.isalnum() or s in "/~.*_\\" for s in word)


def _split(text: str) -> list[str]:
    """The parts between commas, semicolons and line breaks; commas inside braces or a class don't part."""
    parts, start, depth = [], 0, 0
    for place, sign in enumerate(text):
        depth = max(0, depth + (sign in "{[") - (sign in "}]"))
        if sign == "\n" or (sign in ",;" and depth == 0):
            parts.append(text[start:place])
            start, depth = place + 1, 0
    return [*parts, text[start:]]


def _bare_patterns(text: str) -> list[str]:
    """The patterns of a part of the cell without code spans."""
    text = _BULLET.sub("", text.strip(), count=1)
    text = _LINES.sub("", _REMARK.sub("", text)).strip().strip("\"'")
    words = text.split()
    paths = [word.strip("\"'") for word in words if "*" in word or is_path_word(word)]
    # Several paths with spaces between, or one path with remarks; else a name that holds spaces.
    return paths if len(words) > 1 and paths else [text] if text else []


def _spell_out(word: str) -> list[str]:
    """The patterns that a word with braces stands for; the word as it is when there would be too many."""
    # Every second part is what stood between braces.
    options = [part.split(",") if place % 2 else [part] for place, part in enumerate(_BRACES.split(word))]
    if prod(map(len, options)) > _MOST_FROM_BRACES:
        return [word]
    return ["".join(part.strip() for part in parts) for parts in product(*options)]
