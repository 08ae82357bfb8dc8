"""Approval of a plan: `approved: true` in its frontmatter (spec 4, "Final report"). Light to import.

Anything but the plain word `true` counts as no approval; a gate that is in doubt stays shut.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .clarification import OpenQuestion, open_blockers
from .frontmatter import BOM, find_frontmatter, line_end_of, split_lines

__all__ = ["OpenQuestion", "approval_line", "approve", "is_approved", "open_blockers", "unapprove"]


class _Entry(NamedTuple):
    """An `approved` line: key, value, and the rest (spaces and a comment), which is kept."""

    key: str
    value: str
    rest: str


def is_approved(text: str) -> bool:
    """Whether the frontmatter of a plan text (str) says `approved: true`.

    Only the frontmatter is asked; open questions that block approval are `open_blockers`.
    """
    block = find_frontmatter(text)
    if block is None:
        return False
    values = [_value(line) for line in split_lines(text[block.start : block.end])]
    given = [value for value in values if value is not None]
    # A key given twice is read differently by different tools, so every one of them has to say yes.
    return bool(given) and all(value == "true" for value in given)


def approval_line(text: str) -> int:
    """The 1-based line (int) of the `approved` key, or 1 when there is none."""
    block = find_frontmatter(text)
    if block is None:
        return 1
    lines = split_lines(text[block.start : block.end])
    return next((number for number, line in enumerate(lines, 2) if _value(line) is not None), 1)


def approve(text: str) -> str:
    """The plan text (str) with `approved: true` in its frontmatter; every other byte stays as it is."""
    return _with_value(text, "true")


def unapprove(text: str) -> str:
    """The plan text (str) with `approved: false` in its frontmatter; every other byte stays as it is."""
    return _with_value(text, "false")


def _with_value(text: str, value: str) -> str:
    block = find_frontmatter(text)
    if block is None:
        return _with_new_frontmatter(text, value)
    inside = text[block.start : block.end]
    changed = _each_line(inside, value)
    if changed is None:
        changed = f"{inside}approved: {value}{line_end_of(text)}"
    return text[: block.start] + changed + text[block.end :]


def _entry(line: str) -> _Entry | None:
    """The parts of an `approved` line, or None for any other line."""
    key, colon, rest = line.partition(":")
    # An indented key belongs to something else.
    if not colon or line[:1] in (" ", "\t") or key.strip(" \t\"'") != "approved":
        return None
    comment = rest.find(" #")
    value = rest if comment < 0 else rest[:comment]
    return _Entry(key, value.strip(" \t"), rest[len(value.rstrip(" \t")) :])


def _value(line: str) -> str | None:
    """The value of an `approved` line in lower case, or None for any other line."""
    entry = _entry(line)
    if entry is None:
        return None
    # YAML wants a space after the colon; without one the line is no key and can't approve.
    spaced = line[len(entry.key) + 1 : len(entry.key) + 2] in (" ", "\t")
    return entry.value.lower() if spaced else ""


def _each_line(inside: str, value: str) -> str | None:
    """The frontmatter lines with every `approved` key set, or None when there is no such key."""
    parts = re.split(r"(\r\n|\r|\n)", inside)
    entries = {index: entry for index, part in enumerate(parts) if (entry := _entry(part)) is not None}
    for index, entry in entries.items():
        if _value(parts[index]) != value:
            parts[index] = f"{entry.key}: {value}{entry.rest}"
    return "".join(parts) if entries else None


def _with_new_frontmatter(text: str, value: str) -> str:
    """The text with a frontmatter block put in front, after a byte order mark if there is one."""
    mark, body = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    end = line_end_of(text)
    return f"{mark}---{end}approved: {value}{end}---{end}{body}"
