"""Text of agents and repositories as markdown in which it only shows: it steers no terminal that prints the file, and
is no HTML and no code mark-up of its own making to whoever renders it.

Code spans and fences are left to those who wrote them, since nothing in them is HTML. What opens none or closes none is
escaped, so that two texts beside each other can't make one of their ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..markdown import TICKS
from ..system.text import visible

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,}).*$")


def inline(text: object) -> str:
    """On one line."""
    return _escaped(" ".join(visible(str(text)).split()))


def cell(text: object) -> str:
    """The same, in a table: no pipe that would end it."""
    return inline(text).replace("|", "\\|")


def code(text: object) -> str:
    """A code span on one line, whatever is in it."""
    plain = " ".join(visible(str(text)).split())
    longest = max(map(len, TICKS.findall(plain)), default=0)
    return f"{'`' * (longest + 1)} {plain} {'`' * (longest + 1)}" if longest else f"`{plain}`"


def block(text: object) -> str:
    """On lines of its own, with its fences."""
    lines = list(_fenced_lines(visible(str(text)).strip().split("\n")))
    return "\n".join(lines)


def _fenced_lines(lines: list[str]) -> Iterator[str]:
    """A fence that is not closed is: it would take in what follows the text. Indented ones count as text, since how far
    they reach hangs on what is around them."""
    fence = ""
    for line in lines:
        if fence:
            closes = re.fullmatch(rf" {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*", line)
            fence = "" if closes else fence
            yield line
            continue
        opened = _FENCE.match(line)
        fence = (opened[1] or opened[2]) if opened else ""
        yield line if opened else _escaped(line)
    if fence:
        yield fence


def _escaped(line: str) -> str:
    """Tags, and ticks that begin no code span."""
    parts, position = [], 0
    while (opens := _opening(line, position)) is not None:
        closes = next((one for one in TICKS.finditer(line, opens.end()) if len(one[0]) == len(opens[0])), None)
        parts.append(_without_tags(line[position : opens.start()]))
        if closes is None:
            parts.append("\\`" * len(opens[0]))
            position = opens.end()
        else:
            parts.append(line[opens.start() : closes.end()])
            position = closes.end()
    return "".join([*parts, _without_tags(line[position:])])


def _opening(line: str, position: int) -> re.Match[str] | None:
    """The next run of ticks; the first of one that stands behind a backslash is a letter."""
    found = TICKS.search(line, position)
    while found is not None and _is_escaped(line, found.start()):
        found = TICKS.search(line, found.start() + 1)
    return found


def _is_escaped(line: str, place: int) -> bool:
    before = line[:place]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _without_tags(text: str) -> str:
    """A backslash before one that stands there already would be taken for a letter: it gets one too."""
    return _TAG.sub(lambda found: "&lt;" if text[: found.start()].endswith("\\") else "\\<", text)
