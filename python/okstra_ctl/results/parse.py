"""The shape that all agents' results share: frontmatter, `##` sections, `###` entries, `- key: value` bullets.

Read line by line. What is in a code fence is text; one fence around the whole (models like to add it when the result is
their closing message) is removed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..markdown import find_frontmatter, split_lines

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_BULLET = re.compile(r"[-*] +([A-Za-z][A-Za-z -]*?) *: *(.*)$")
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_-]*) *: *(.*)$")


class Bullet(NamedTuple):
    key: str
    value: str
    line: int


class Entry(NamedTuple):
    """A `###` heading and the bullets below it."""

    heading: str
    bullets: tuple[Bullet, ...]
    line: int

    def values(self, key: str) -> list[str]:
        return [bullet.value for bullet in self.bullets if bullet.key == key]

    def value(self, key: str) -> str:
        """The first value of that key; empty when there is none."""
        return next(iter(self.values(key)), "")


class Section(NamedTuple):
    """A `##` heading, the prose below it (without its entries), and its entries."""

    heading: str
    text: str
    entries: tuple[Entry, ...]
    line: int


class Document(NamedTuple):
    """`fields` are the frontmatter's; empty without one."""

    fields: dict[str, str]
    sections: tuple[Section, ...]


def read_document(text: str) -> Document:
    """Reads any text; what does not fit the shape is left out, never an error."""
    text = _without_outer_fence(text.lstrip("\ufeff"))
    front = find_frontmatter(text)
    lines = split_lines(text)
    fields: dict[str, str] = {}
    if front is not None:
        for line in lines[1 : front.line_count - 1]:
            if found := _KEY.match(line):
                fields.setdefault(found[1].lower(), found[2].strip().strip("\"'"))
    start = front.line_count if front is not None else 0
    return Document(fields, _sections(lines, start))


def begins_as_result(text: str) -> bool:
    """Whether a text is meant as a result: it begins with frontmatter, or is one JSON object, as a report's data is."""
    text = _without_outer_fence(text.strip().lstrip("\ufeff"))
    return find_frontmatter(text) is not None or (text.startswith("{") and text.endswith("}"))


def _without_outer_fence(text: str) -> str:
    lines = text.strip().split("\n")
    opened = _FENCE.match(lines[0].rstrip())
    if len(lines) < 2 or opened is None or lines[-1].strip() != opened[1]:
        return text
    return "\n".join(lines[1:-1])


class _Builder:
    """Collects sections line by line."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._prose: list[str] = []
        self._entries: list[Entry] = []
        self._bullets: list[Bullet] = []
        self._section: tuple[str, int] | None = None
        self._entry: tuple[str, int] | None = None

    def open_section(self, heading: str, line: int) -> None:
        self.close()
        self._section = (heading, line)

    def open_entry(self, heading: str, line: int) -> None:
        self._close_entry()
        self._entry = (heading, line)

    def add(self, text: str, line: int, *, fenced: bool) -> None:
        if self._entry is None:
            self._prose.append(text)
        elif not fenced and (found := _BULLET.match(text)):
            self._bullets.append(Bullet(found[1].strip().lower(), found[2].strip(), line))
        elif self._bullets and text.startswith((" ", "\t")) and text.strip() and not fenced:
            last = self._bullets[-1]
            self._bullets[-1] = last._replace(value=f"{last.value} {text.strip()}")

    def close(self) -> None:
        self._close_entry()
        if self._section is not None:
            heading, line = self._section
            self.sections.append(Section(heading, "\n".join(self._prose).strip(), tuple(self._entries), line))
        self._section, self._prose, self._entries = None, [], []

    def _close_entry(self) -> None:
        if self._entry is not None:
            heading, line = self._entry
            self._entries.append(Entry(heading, tuple(self._bullets), line))
        self._entry, self._bullets = None, []


def _sections(lines: list[str], start: int) -> tuple[Section, ...]:
    builder = _Builder()
    fence = ""
    for number, line in enumerate(lines[start:], start + 1):
        found = _FENCE.match(line)
        if fence:
            builder.add(line, number, fenced=True)
            if found and found[1].startswith(fence) and not found[2].strip():
                fence = ""
        elif found and not (found[1][0] == "`" and "`" in found[2]):
            fence = found[1]
            builder.add(line, number, fenced=True)
        elif line.startswith("### "):
            builder.open_entry(line[4:].strip(), number)
        elif line.startswith("## "):
            builder.open_section(line[3:].strip(), number)
        else:
            builder.add(line, number, fenced=False)
    builder.close()
    return tuple(builder.sections)
