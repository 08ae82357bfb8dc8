"""The YAML-like frontmatter at the top of a plan.

Only what approval needs is read: where the block stands and the lines in it. A plan that merely opens with a
thematic break (`---`) has no frontmatter; so a line that could not stand in YAML ends the search.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BOM = "\ufeff"

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")
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
    start = 0
    for count, found in enumerate(_LINE.finditer(text, 1 if text.startswith(BOM) else 0), 1):
        line, end = found.groups()
        if count == 1:
            if line.rstrip() != "---":
                return None
            start = found.end()
        elif line.rstrip() in _CLOSING:
            return Frontmatter(start, found.start(), count)
        elif not _YAML_LINE.match(line):
            return None
        if not end:
            return None
    return None


def line_end_of(text: str) -> str:
    """The line end that the text uses, judged by its first one; `\\n` when it has none."""
    found = _LINE.match(text)
    return (found[2] if found else "") or "\n"
