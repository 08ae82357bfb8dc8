"""The blocks of a plan, found by a real markdown parser. The one place that imports markdown-it.

Only blocks are parsed: the text inside a heading or a cell is read by `cells`, in one pass, because emphasis and
links don't matter here and take three quarters of a full parse.
"""

from __future__ import annotations

from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .cells import plain_text
from .frontmatter import BOM, find_frontmatter, split_lines

# The preset's nesting limit (20) also keeps hostile nesting from exhausting Python's stack.
_PARSER = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join", "reference"])


class Heading(NamedTuple):
    """A heading at the left margin: its level, plain text, 0-based line, and the index of its first token."""

    level: int
    text: str
    line: int
    token: int


class Blocks(NamedTuple):
    """A plan as its lines, the parser's tokens, and the headings that stand in no list or quotation."""

    lines: list[str]
    tokens: list[Token]
    headings: list[Heading]


def read_blocks(text: str) -> Blocks:
    """The blocks (Blocks) of a plan text (str)."""
    body = text.removeprefix(BOM)
    lines = split_lines(body)
    frontmatter = find_frontmatter(text)
    if frontmatter is not None:
        # Blank lines in its place, for its dashes are markdown too, and line numbers have to stay.
        lines[: frontmatter.line_count] = [""] * frontmatter.line_count
    tokens = _PARSER.parse("\n".join(lines))
    return Blocks(lines, tokens, list(_headings(tokens)))


def _headings(tokens: list[Token]) -> list[Heading]:
    return [
        Heading(int(token.tag[1:]), plain_text(tokens[index + 1].content), token.map[0], index)
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
