"""Lines that fit a terminal: folded between words, never within one, so that keys and paths stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .text import display_width

_NAMED = re.compile(r"(\S+(?: \S+)*?)( {2,})(?=\S)")
_INDENT = 4
_COMMAND = "okstra "
_CONTINUED = " \\"


def folded(text: str, columns: int) -> str:
    """The text, its lines of a name and a value folded below the value. A command is folded as a shell reads on."""
    return "\n".join(part for line in text.split("\n") for part in _line(line, columns))


def folded_command(command: str, columns: int, indent: str) -> Iterator[str]:
    """The command, indented, to be pasted as it is: what goes on ends with a backslash."""
    lines = list(_packed(_words(command), columns - len(indent) - len(_CONTINUED)))
    for place, line in enumerate(lines):
        yield (indent if place == 0 else f"{indent}  ") + line + (_CONTINUED if place < len(lines) - 1 else "")


def folded_sentence(text: str, columns: int) -> str:
    """Prose without a command in it, further lines indented."""
    return "\n".join(_hanging(text, columns, "  "))


def flowed(cells: Iterable[str], columns: int) -> list[str]:
    """Cells of a row, one after the other, as many on a line as fit; the first begins it, the rest are indented."""
    lines, current = list[str](), ""
    for cell in filter(None, cells):
        longer = f"{current}  {cell}" if current.strip() else current + cell
        if current.strip() and display_width(longer) > columns:
            lines.append(current)
            longer = " " * _INDENT + cell
        if display_width(longer) > columns:
            *full, longer = _hanging(longer, columns, " " * _INDENT)
            lines += full
        current = longer
    return [*lines, current]


def _line(line: str, columns: int) -> list[str]:
    named = _NAMED.match(line)
    if named is None or display_width(line) <= columns or "\t" in line:
        return [line]
    name, value = named[0], line[named.end() :]
    head = [] if display_width(name) <= columns // 2 else [named[1]]
    indent = " " * (_INDENT if head else display_width(name))
    if value.startswith(_COMMAND):
        below = list(folded_command(value, columns, indent))
    else:
        below = [indent + one for one in _packed(value.split(" "), columns - len(indent))]
    return [*head, *below] if head else [name + below[0][len(indent) :], *below[1:]]


def _hanging(line: str, columns: int, indent: str) -> list[str]:
    begins = line[: len(line) - len(line.lstrip(" "))]
    parts = list(_packed(line.strip(" ").split(" "), columns - len(indent)))
    return [begins + parts[0], *(indent + part for part in parts[1:])]


def _words(command: str) -> list[str]:
    """Words of a shell: a quoted text is one."""
    return re.findall(r"(?:'[^']*'|\\.|[^\s'])+", command)


def _packed(words: Iterable[str], columns: int) -> Iterator[str]:
    current = ""
    for word in words:
        longer = f"{current} {word}" if current else word
        if current and display_width(longer) > columns:
            yield current
            longer = word
        current = longer
    yield current
