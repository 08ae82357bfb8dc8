"""S5 and S10: the `Files` cells (spec 3, "The Stage Map").

A cell lists patterns in code spans or bare, with commas, semicolons, `<br>` or, between code spans, spaces. Words
next to a code span are a remark (`src/a.py` (new)). Braces (`src/{a,b}.ts`) are spelled out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .cells import NOTHING, outside_code, pieces, shown, split_breaks, without_comments
from .document import FILES, Row, Table
from .globs import PatternError, normalise
from .path_kinds import looks_like_path
from .records import Finding

_MOST_FROM_BRACES = 64

_BULLET = re.compile(r"[-*+•][ \t]+")
_REMARK = re.compile(r"[ \t]\([^()]*\)$")
_LINES = re.compile(r"(?<=\w):\d{1,7}(?:[-–]\d{1,7})?$")
_SEPARATOR = re.compile(r"[,;\n]")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


class Files(NamedTuple):
    """The good patterns of a cell, and whether it had none or a bad one, so that they don't tell the whole."""

    patterns: tuple[str, ...]
    is_broken: bool


def check_files(rows: Iterable[Row], table: Table) -> tuple[list[Files], list[Finding]]:
    """The files of each row (Row) of the table, with the findings of S5 and S10."""
    if FILES not in table.columns:
        message = "The Stage Map has no `Files` column; add one that names the files each stage touches."
        return [Files((), True) for _ in rows], [Finding("S5", "error", table.line, message)]
    findings: list[Finding] = []
    return [_check_row(row, findings) for row in rows], findings


def _check_row(row: Row, findings: list[Finding]) -> Files:
    words = read_files(row.cell(FILES))
    if not words:
        message = "The `Files` cell names no file; write the paths or globs that the stage touches."
        findings.append(Finding("S5", "error", row.line, message))
    good: dict[str, None] = {}
    bad = []
    for word in words:
        try:
            good[normalise(word)] = None
        except PatternError as problem:
            bad.append(f"{shown(word)} {problem}")
    if bad:
        more = f" (and {len(bad) - 3} more)" if len(bad) > 3 else ""
        what = "; ".join(bad[:3]) + more
        message = f"{what}; write paths relative to the repository's root, inside it and not in `.git` or `.okstra`."
        findings.append(Finding("S10", "error", row.line, message))
    return Files(tuple(good), bool(bad) or not words)


def read_files(cell: str) -> list[str]:
    """The patterns (list of str) that a raw `Files` cell lists, not yet normalised."""
    cell = split_breaks(without_comments(cell), "\n")
    found: list[str] = []
    bare: list[str] = []
    is_remark = False
    for piece in pieces(cell):
        if piece.is_code:
            # What stands before the span since the last separator is a remark on it.
            bare = []
            is_remark = True
            found += _split(piece.text)
            continue
        first, *rest = _split_bare(outside_code(piece.text))
        if not is_remark:
            bare.append(first)
        for part in rest:
            found += _bare_patterns(" ".join(bare))
            bare = [part]
            is_remark = False
    found += _bare_patterns(" ".join(bare))
    return [pattern for word in found for pattern in _spell_out(word) if not _names_nothing(word)]


def _names_nothing(word: str) -> bool:
    """Whether a word is a dash, `none` and the like; `**`, `.` and even `..` do name something."""
    return word.strip(" \t()<>").casefold() in NOTHING or not any(sign.isalnum() or sign in "/~.*_\\" for sign in word)


def _split(text: str) -> list[str]:
    """The patterns of a code span; commas inside braces or a class don't part them."""
    return [part.strip() for part in _split_bare(text) if part.strip()]


def _split_bare(text: str) -> list[str]:
    if "{" not in text and "[" not in text:
        return _SEPARATOR.split(text)
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
    paths = [word.strip("\"'") for word in words if "*" in word or looks_like_path(word)]
    # Several paths with spaces between, or one path with remarks; else a name that holds spaces.
    return paths if len(words) > 1 and paths else [text] if text else []


def _spell_out(word: str) -> list[str]:
    """The patterns that a word with braces stands for; the word as it is when there would be too many."""
    waiting, done = [word], []
    while waiting:
        text = waiting.pop(0)
        found = _BRACES.search(text) if "{" in text else None
        if found is None:
            done.append(text)
        else:
            waiting += [text[: found.start()] + part.strip() + text[found.end() :] for part in found[1].split(",")]
        if len(waiting) + len(done) > _MOST_FROM_BRACES:
            return [word]
    return done
