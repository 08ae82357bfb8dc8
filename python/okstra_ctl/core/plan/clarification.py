"""Clarification rows that block approval (spec 3, S12; spec 4, "Final report"). Light to import.

A row counts as settled only when its status says so; a status that is empty or unknown leaves the question open,
because a gate that is in doubt stays shut. For the same reason a table is also read when it stands in a quotation
or a list; only code fences and HTML comments hide it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .frontmatter import split_lines

_ID = re.compile(r"\bC-\d{1,9}(?!\w)", re.IGNORECASE)
_DASHES = re.compile(r":?-+:?")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_COMMENT = re.compile(r" {0,3}<!--")
_PIPE = re.compile(r"(?<!\\)\|")
# What a quotation or a list puts in front of a row.
_PREFIX = re.compile(r"[ \t]*(?:>[ \t]?|[-*+][ \t]+|\d{1,9}[.)][ \t]+)*")
_MARKUP = " \t*_`~"

_COLUMNS = {"id": "id", "status": "status", "상태": "status", "blocks": "blocks", "차단": "blocks"}
_SETTLED = re.compile(r"(?:answered|resolved|obsolete|closed|답변|해결|폐기)", re.IGNORECASE)
_NEGATED = re.compile(r"(?:no|not|none|nothing|never|without|아니|없음)\b", re.IGNORECASE)
_BLOCKS = re.compile(r"approval|approve|승인|^(?:yes|y|true|all|everything|예|네)\b", re.IGNORECASE)


class OpenQuestion(NamedTuple):
    """A clarification row that keeps the plan from being approved; `line` is 1-based."""

    id: str
    line: int


def open_blockers(text: str) -> tuple[OpenQuestion, ...]:
    """The open clarification rows of a plan text (str) that block approval, in the order of their lines."""
    if _ID.search(text) is None:
        return ()
    found = []
    columns: dict[str, int] = {}
    previous = ""
    for number, line in _visible_lines(text):
        if not line.strip(" \t>"):
            columns = {}
        elif columns:
            question = _question(_cells(line), columns, number)
            if question is not None:
                found.append(question)
        elif "|" in previous and _is_delimiter(line):
            columns = _columns(_cells(previous))
        previous = line
    return tuple(found)


def _visible_lines(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines of a text that stand in no code fence and in no HTML comment."""
    fence = ""
    comment = False
    for number, line in enumerate(split_lines(text), 1):
        if fence:
            if line.strip(" \t") == fence[0] * len(line.strip(" \t")) and len(line.strip(" \t")) >= len(fence):
                fence = ""
        elif comment or _COMMENT.match(line):
            comment = "-->" not in line
        elif opened := _FENCE.match(line):
            fence = opened.group(1)
        else:
            yield number, line


def _cells(line: str) -> list[str]:
    """The cells of a table row, without the outer pipes."""
    prefix = _PREFIX.match(line)
    row = line[prefix.end() if prefix else 0 :].strip()
    return [cell.strip(_MARKUP) for cell in _PIPE.split(row[1:] if row.startswith("|") else row)]


def _is_delimiter(line: str) -> bool:
    """Whether a line is the row of dashes between the header of a table and its body."""
    if "-" not in line or not set(line) <= set("|-: \t>*+.)0123456789"):
        return False
    cells = _cells(line)
    return all(_DASHES.fullmatch(cell) for cell in (cells if cells[-1] else cells[:-1]))


def _columns(header: list[str]) -> dict[str, int]:
    """Where the three needed columns stand in a header row; empty when one is missing."""
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        key = _COLUMNS.get(name.casefold())
        if key is not None:
            places.setdefault(key, place)
    return places if len(places) == 3 else {}


def _question(cells: list[str], columns: dict[str, int], line: int) -> OpenQuestion | None:
    """The row as an open question that blocks approval, or None when it is not one."""
    values = {key: cells[place] if place < len(cells) else "" for key, place in columns.items()}
    found = _ID.match(values["id"])
    if found is None or _SETTLED.match(values["status"]) or not _blocks_approval(values["blocks"]):
        return None
    return OpenQuestion(found.group().upper(), line)


def _blocks_approval(cell: str) -> bool:
    """Whether a `Blocks` cell names approval."""
    return _BLOCKS.search(cell) is not None and _NEGATED.match(cell) is None
