"""S12: `approved: true` in the frontmatter, and no clarification row that blocks approval still open.

A gate that is in doubt stays shut: anything but the plain word `true` is no approval, and a status that is empty or
unknown leaves its question open. For the same reason a table is also read when it stands in a quotation or a list;
only code fences and HTML comments hide it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..markdown import BOM, find_frontmatter, line_end_of, split_lines
from .parse import PIPE

# An indented key belongs to something else.
_KEY = re.compile(r"""(?![ \t])[ \t"']*approved[ \t"']*:""")
_ID = re.compile(r"\bC-\d{1,9}(?!\w)", re.IGNORECASE)
_DASHES = re.compile(r":?-+:?")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_COMMENT = re.compile(r" {0,3}<!--")
# What a quotation or a list puts in front of a row.
_PREFIX = re.compile(r"[ \t]*(?:>[ \t]?|[-*+][ \t]+|\d{1,9}[.)][ \t]+)*")

_COLUMNS = {"id": "id", "status": "status", "상태": "status", "blocks": "blocks", "차단": "blocks"}
_SETTLED = re.compile(r"(?:answered|resolved|obsolete|closed|답변|해결|폐기)", re.IGNORECASE)
_NEGATED = re.compile(r"(?:no|not|none|nothing|never|without|아니|없음)\b", re.IGNORECASE)
_BLOCKS = re.compile(r"approval|approve|승인|^(?:yes|y|true|all|everything|예|네)\b", re.IGNORECASE)


def is_approved(text: str) -> bool:
    """Whether the frontmatter of a plan text says `approved: true`; `open_blockers` is the other half of S12."""
    block = find_frontmatter(text)
    if block is None:
        return False
    values = [_value(line) for line in split_lines(text[block.start : block.end])]
    given = [value for value in values if value is not None]
    # A key given twice is read differently by different tools, so every one of them has to say yes.
    return bool(given) and all(value == "true" for value in given)


def approval_line(text: str) -> int:
    """The 1-based line of the `approved` key, or 1 when there is none."""
    block = find_frontmatter(text)
    lines = split_lines(text[block.start : block.end]) if block else []
    return next((number for number, line in enumerate(lines, 2) if _value(line) is not None), 1)


def approve(text: str) -> str:
    """The plan text with `approved: true` in its frontmatter; every other byte stays as it is."""
    return _with_value(text, "true")


def unapprove(text: str) -> str:
    """The plan text with `approved: false` in its frontmatter; every other byte stays as it is."""
    return _with_value(text, "false")


def _with_value(text: str, value: str) -> str:
    block = find_frontmatter(text)
    end = line_end_of(text)
    if block is None:
        mark = BOM if text.startswith(BOM) else ""
        return f"{mark}---{end}approved: {value}{end}---{end}{text.removeprefix(mark)}"
    parts = re.split(r"(\r\n|\r|\n)", text[block.start : block.end])
    added = "" if any(map(_KEY.match, parts)) else f"approved: {value}{end}"
    return text[: block.start] + "".join(_set_value(part, value) for part in parts) + added + text[block.end :]


def _value(line: str) -> str | None:
    """The value of an `approved` line in lower case, or None for any other line."""
    key = _KEY.match(line)
    if key is None:
        return None
    value = line[key.end() :].partition(" #")[0]
    # YAML wants a space after the colon; without one the line is no key and can't approve.
    return value.strip(" \t").lower() if value[:1] in (" ", "\t") else ""


def _set_value(line: str, value: str) -> str:
    """The line with another value when it is an `approved` line; a comment is kept."""
    key = _KEY.match(line)
    if key is None or _value(line) == value:
        return line
    rest = line[key.end() :]
    kept = rest[len(rest.partition(" #")[0].rstrip(" \t")) :]
    return f"{key[0]} {value}{kept}"


class OpenQuestion(NamedTuple):
    """A clarification row that keeps the plan from being approved; `line` is 1-based."""

    id: str
    line: int


def open_blockers(text: str) -> tuple[OpenQuestion, ...]:
    """The open clarification rows that block approval, in the order of their lines."""
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
            found += [question] if question else []
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
            closing = line.strip(" \t")
            if closing.startswith(fence) and not closing.strip(fence[0]):
                fence = ""
        elif comment or _COMMENT.match(line):
            comment = "-->" not in line
        elif opened := _FENCE.match(line):
            fence = opened[1]
        else:
            yield number, line


def _cells(line: str) -> list[str]:
    """The cells of a table row, without the outer pipes."""
    row = _PREFIX.sub("", line, count=1).strip()
    return [cell.strip(" \t*_`~") for cell in PIPE.split(row.removeprefix("|"))]


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
    blocks = _BLOCKS.search(values["blocks"]) and not _NEGATED.match(values["blocks"])
    return OpenQuestion(found[0].upper(), line) if found and blocks and not _SETTLED.match(values["status"]) else None
