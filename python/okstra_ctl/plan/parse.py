"""The Stage Map as it stands in the text, before any rule is checked: the table's rows and the stages' sections.

A table that is not the map (a legend, a risk list) is recognised by its header. The steps of a section are its ordered
lists at the left margin. A list goes on after what interrupts it when its numbering goes on, or when only code stands
between; a list that begins at 1 again after prose is another list, and so is what goes on from that one.
"""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import islice, takewhile
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

from ..markdown import Heading, Markdown, is_empty_cell, read_markdown, without_comments
from .model import Step

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

STAGE, TITLE, DEPENDS_ON, FILES, STEPS, EXIT_CHECK = "stage", "title", "depends on", "files", "steps", "exit check"
PROOF = "proof"  # the only column that a map may lack
_COLUMNS = (STAGE, TITLE, DEPENDS_ON, FILES, STEPS, EXIT_CHECK, PROOF)
_ENOUGH_COLUMNS = 3  # with fewer of the columns a table is some other table

_MAP_HEADING = re.compile(r"5\.5\.? stage map ?:?$", re.IGNORECASE)
_SECTION_HEADING = re.compile(
    r"5\.5\.([0-9]+)\.?(?![0-9.]) ?[:–—-]? ?(?:stage #?([0-9]+))? ?[:.–—-]? ?(.*)$", re.IGNORECASE
)
_DASHES = re.compile(r":?-*:?$")
PIPE = re.compile(r"(?<!\\)\|")
_STEP_MARKER = re.compile(r"[ \t]*\d{1,9}[.)][ \t]*(?:\[[ xX]\][ \t]+)?")
_EXEMPTION = re.compile(r"[\W_]*TDD[ -]?(?:exemption|예외|면제)[ *_]*[:：](.*)$", re.IGNORECASE)
_CODE = ("fence", "code_block")


class Row(NamedTuple):
    """A row of the map: its raw cells by column name, its 1-based line, and whether it has cells beyond the header."""

    cells: dict[str, str]
    line: int
    overflows: bool

    def cell(self, column: str) -> str:
        """The raw text of a cell; empty when the row or the table has none."""
        return self.cells.get(column, "")


class Table(NamedTuple):
    """The map's table: the known columns it has, the header's 1-based line, the rows."""

    columns: frozenset[str]
    line: int
    rows: tuple[Row, ...]


class Section(NamedTuple):
    """A stage section. `number` is the one after `5.5.`, `second` the one after `Stage` (None when absent).

    `with_code_block` are the numbers of the steps that hold one; `line` is 1-based. `exemption` is the reason after
    `TDD exemption:`, None when there is no such line.
    """

    number: int
    second: int | None
    title: str
    line: int
    steps: tuple[Step, ...]
    with_code_block: frozenset[int]
    exemption: str | None


class Document(NamedTuple):
    """What a plan holds of the map. `heading_lines` are 1-based; `digest` is of the part that was read."""

    heading_lines: tuple[int, ...]
    table: Table | None
    sections: tuple[Section, ...]
    digest: str


def read_document(text: str) -> Document:
    """The Stage Map part of a plan text."""
    page = read_markdown(text)
    starts = [index for index, one in enumerate(page.headings) if one.level == 2 and _MAP_HEADING.match(one.text)]
    if not starts:
        return Document((), None, (), "")
    # The part ends at the next heading of level 1 or 2. A second map is reported, and not read.
    index = starts[0]
    start = page.headings[index]
    inside = list(takewhile(lambda heading: heading.level > 2, page.headings[index + 1 :]))
    after = page.headings[index + 1 + len(inside) :][:1]
    end_block, end_line = (after[0].place, after[0].line) if after else (len(page.blocks), len(page.lines))
    blocks = page.blocks[start.place + 1 : end_block]
    tables = (_read_table(page.lines, block) for block in blocks if block.type == "table")
    table = next((table for table in tables if len(table.columns) >= _ENOUGH_COLUMNS), None)
    sections = _read_sections(page, inside, end_block)
    lines = tuple(page.headings[index].line + 1 for index in starts)
    return Document(lines, table, sections, _digest(page.lines[start.line : end_line]))


def _digest(lines: list[str]) -> str:
    """SHA-256 (hex). White space at line ends and blank lines at the end of the part don't count."""
    text = "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"
    # A text cut in the middle of a surrogate pair still has a digest.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read_table(lines: list[str], table: SyntaxTreeNode) -> Table:
    header, *body = [row for part in table.children for row in part.children]
    names = [" ".join(re.findall(r"\w+", text.replace("_", " "))).casefold() for text in _cells(header)]
    places = {name: names.index(name) for name in _COLUMNS if name in names}
    rows = []
    for node in body:
        line, cells = _line(node), _cells(node)
        # Prose right under the table is a row to the parser, but nobody means it as one; nor a second line of dashes.
        if "|" in lines[line] and not all(_DASHES.match(cell) for cell in cells):
            content = {name: cells[place] for name, place in places.items()}
            rows.append(Row(content, line + 1, _cell_count(lines[line]) > len(names)))
    return Table(frozenset(places), _line(header) + 1, tuple(rows))


def _cells(row: SyntaxTreeNode) -> list[str]:
    return [cell.children[0].content for cell in row.children]


def _line(node: SyntaxTreeNode) -> int:
    assert node.map is not None  # as every block has it
    return node.map[0]


def _cell_count(source: str) -> int:
    """How many cells a row has in the source, where the parser drops those beyond the header's."""
    cells = PIPE.split(source.strip())
    return len(cells) - (not cells[0].strip()) - (not cells[-1].strip())


def _read_sections(page: Markdown, headings: list[Heading], end: int) -> tuple[Section, ...]:
    """The stage sections; each ends at a heading of its level or above, or at the next section."""
    sections = []
    for index, heading in enumerate(headings):
        found = _SECTION_HEADING.match(heading.text)
        if found is None:
            continue
        later = islice(headings, index + 1, None)
        ends = (one.place for one in later if one.level <= heading.level or _SECTION_HEADING.match(one.text))
        blocks = page.blocks[heading.place + 1 : next(ends, end)]
        second = _number(found[2]) if found[2] else None
        read = (*_read_steps(page.lines, blocks), _exemption(blocks))
        sections.append(Section(_number(found[1]), second, found[3], heading.line + 1, *read))
    return tuple(sections)


def _number(digits: str) -> int:
    # Beyond nine digits all numbers are alike: no map has such a row.
    return int(digits) if len(digits) <= 9 else 10**9


def _read_steps(lines: list[str], blocks: list[SyntaxTreeNode]) -> tuple[tuple[Step, ...], frozenset[int]]:
    """The steps, numbered by their order, of the lists that belong together, and which of them hold a code block."""
    found: list[Step] = []
    with_code_block = set()
    belongs = interrupted = False
    for block in blocks:
        if block.type != "ordered_list":
            interrupted = interrupted or block.type not in (*_CODE, "html_block")
            continue
        start = int(block.attrs.get("start", 1))
        if not found or start == len(found) + 1:
            belongs = True
        elif start <= 1 and interrupted:
            belongs = False
        interrupted = False
        for item in block.children if belongs else ():
            first, after = item.map or (0, 0)
            found.append(Step(len(found) + 1, _item_text(lines[first:after]), first + 1))
            if any(node.type in _CODE and node.content.strip() for node in item.walk()):
                with_code_block.add(len(found))
    return tuple(found), frozenset(with_code_block)


def _item_text(lines: list[str]) -> str:
    """The markdown of a list item without its marker and indentation."""
    rest = dedent("\n".join(lines[1:]))
    return f"{_STEP_MARKER.sub('', lines[0], count=1)}\n{rest}".rstrip()


def _exemption(blocks: list[SyntaxTreeNode]) -> str | None:
    """The reason of the section's first `TDD exemption:` line; empty when it gives none."""
    texts = (node.content for block in blocks for node in block.walk() if node.type == "inline")
    for text in texts:
        for line in without_comments(text).split("\n") if "tdd" in text.lower() else ():
            found = _EXEMPTION.match(line)
            if found is not None:
                reason = found[1].strip(" \t*_")
                return "" if is_empty_cell(reason) or (reason[0] == "<" and reason[-1] == ">") else reason
    return None
