"""The Stage Map as it stands in the text: rows and sections, before any rule is asked.

A table that is not the map (a legend, a risk list) is told apart by its header.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from markdown_it.token import Token

from .digest import part_digest
from .markdown_blocks import Blocks, Heading, read_blocks
from .sections import Section, read_sections

STAGE, TITLE, DEPENDS_ON, FILES, STEPS, EXIT_CHECK = "stage", "title", "depends on", "files", "steps", "exit check"
COLUMNS = (STAGE, TITLE, DEPENDS_ON, FILES, STEPS, EXIT_CHECK)

# What a table needs to be taken for the map; with fewer of the columns it is some other table.
_ENOUGH_COLUMNS = 3

_MAP_HEADING = re.compile(r"5\.5\.? stage map ?:?$", re.IGNORECASE)
_EMPTY = re.compile(r":?-*:?$")
_PIPE = re.compile(r"(?<!\\)\|")


class Row(NamedTuple):
    """A row of the map: its raw cells by column name, its 1-based line, and whether it has cells beyond the header."""

    cells: dict[str, str]
    line: int
    overflows: bool

    def cell(self, column: str) -> str:
        """The raw text (str) of a cell; empty when the row or the table has none."""
        return self.cells.get(column, "")


class Table(NamedTuple):
    """The map's table: the known columns it has, the header's 1-based line, the rows."""

    columns: frozenset[str]
    line: int
    rows: tuple[Row, ...]


class Document(NamedTuple):
    """What a plan holds of the map. `heading_lines` are 1-based; `digest` is of the part that was read."""

    heading_lines: tuple[int, ...]
    table: Table | None
    sections: tuple[Section, ...]
    digest: str


def read_document(text: str) -> Document:
    """The Stage Map part (Document) of a plan text (str)."""
    blocks = read_blocks(text)
    starts = [place for place, heading in enumerate(blocks.headings) if _opens_map(heading)]
    lines = tuple(blocks.headings[place].line + 1 for place in starts)
    parts = [_read_part(blocks, place, lines) for place in starts]
    # With two such headings the one that has a table is the map; the other is reported anyway.
    with_table = [part for part in parts if part.table is not None]
    return next(iter(with_table + parts), Document((), None, (), ""))


def _opens_map(heading: Heading) -> bool:
    return heading.level == 2 and _MAP_HEADING.match(heading.text) is not None


def _read_part(blocks: Blocks, place: int, heading_lines: tuple[int, ...]) -> Document:
    """The part that begins at a heading and ends at the next one of level 1 or 2."""
    start = blocks.headings[place]
    inside = []
    end_token, end_line = len(blocks.tokens), len(blocks.lines)
    for heading in islice(blocks.headings, place + 1, None):
        if heading.level <= 2:
            end_token, end_line = heading.token, heading.line
            break
        inside.append(heading)
    table = _find_table(blocks, start.token, end_token)
    sections = read_sections(blocks, inside, end_token)
    return Document(heading_lines, table, sections, part_digest(blocks.lines[start.line : end_line]))


def _find_table(blocks: Blocks, start: int, end: int) -> Table | None:
    """The first table at the left margin whose header has enough of the columns."""
    opened = -1
    for index in range(start, end):
        token = blocks.tokens[index]
        if token.level == 0 and token.type == "table_open":
            opened = index
        elif token.level == 0 and token.type == "table_close":
            table = _read_table(blocks.lines, blocks.tokens[opened:index])
            if len(table.columns) >= _ENOUGH_COLUMNS:
                return table
    return None


def _read_table(lines: list[str], tokens: list[Token]) -> Table:
    header, *body = _token_rows(tokens)
    places: dict[str, int] = {}
    for place, heading in enumerate(header.content):
        name = " ".join(re.findall(r"\w+", heading.replace("_", " "))).casefold()
        if name in COLUMNS:
            places.setdefault(name, place)
    width = len(header.content)
    rows = []
    for line, content in body:
        source = lines[line]
        # Prose right under the table is a row to the parser, but nobody means it as one; nor a second line of dashes.
        if "|" in source and not all(_EMPTY.match(cell) for cell in content):
            cells = {name: content[place] for name, place in places.items()}
            rows.append(Row(cells, line + 1, _cell_count(source) > width))
    return Table(frozenset(places), header.line + 1, tuple(rows))


class _TokenRow(NamedTuple):
    line: int
    content: list[str]


def _token_rows(tokens: list[Token]) -> list[_TokenRow]:
    """The rows of a table with the raw text of their cells, the header first."""
    rows: list[_TokenRow] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(_TokenRow(token.map[0] if token.map else 0, []))
        elif token.type == "inline":
            rows[-1].content.append(token.content)
    return rows


def _cell_count(source: str) -> int:
    """How many cells a row has in the source, where the parser drops those beyond the header's."""
    cells = _PIPE.split(source.strip())
    return len(cells) - (not cells[0].strip()) - (not cells[-1].strip())
