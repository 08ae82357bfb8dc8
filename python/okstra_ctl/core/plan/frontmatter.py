"""The YAML-like frontmatter at the top of a plan.

Only what approval needs is read: where the block stands and the lines in it. A plan that merely opens with a
thematic break (`---`) has no frontmatter; so a line that could not stand in YAML ends the search.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BOM = "\ufeff"

_LINE_END = re.compile(r"\r\n|\r|\n")
_YAML_LINE = re.compile(r"""[ \t]*$|[ \t]|\#|-(?:[ \t]|$)|[\]\}]|["']?[^\s|:"'`>#-][^|:]*:""")
_CLOSING = ("---", "...")


class Frontmatter(NamedTuple):
    """Offsets in the text: `start` after the opening line, `end` at the closing one; `line_count` with both."""

    start: int
    end: int
    line_count: int


def split_lines(text: str) -> list[str]:
    """The lines of a text without their ends, as markdown and YAML count them (CRLF, LF, lone CR)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def find_frontmatter(text: str) -> Frontmatter | None:
    """The frontmatter block of a plan text, or None."""
    first, after = _line_at(text, 1 if text.startswith(BOM) else 0)
    if first.rstrip() != "---" or after is None:
        return None
    start, count, offset = after, 1, after
    while True:
        line, after = _line_at(text, offset)
        count += 1
        if line.rstrip() in _CLOSING:
            return Frontmatter(start, offset, count)
        if after is None or not _YAML_LINE.match(line):
            return None
        offset = after


def _line_at(text: str, offset: int) -> tuple[str, int | None]:
    """The line that starts at an offset, and where the next one starts (None at the end of the text)."""
    end = _LINE_END.search(text, offset)
    return (text[offset:], None) if end is None else (text[offset : end.start()], end.end())


def line_end_of(text: str) -> str:
    """The line end that the text uses, judged by its first one; `\\n` when it has none."""
    found = _LINE_END.search(text)
    return found.group() if found else "\n"
