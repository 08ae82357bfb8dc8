"""Markdown as a plan uses it: its blocks, by a real parser, and the plain text of a heading or a table cell.

Only blocks are parsed. The text inside a heading or cell is read here, in one pass, since emphasis would swallow the
stars of a glob, and hostile brackets keep a full parser busy for minutes.
"""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

BOM = "\ufeff"

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")
_YAML_LINE = re.compile(r"""[ \t]*$|[ \t]|\#|-(?:[ \t]|$)|[\]\}]|["']?[^\s|:"'`>#-][^|:]*:""")
_CLOSING = ("---", "...")
TICKS = re.compile(r"`+")
_FENCE = re.compile(r"`{3,}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE = re.compile(r"\\([*_|\[\]<>#~`])")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_BREAK = re.compile(r"<br[ \t]{0,9}/?>", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+")
# How a cell says in words that it is empty.
EMPTY_WORDS = frozenset(("none n/a na nil nothing tbd todo ? - -- --- – — − ∅ 없음 미정").split())  # noqa: SIM905


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


class Heading(NamedTuple):
    """A heading at the left margin: its level, plain text, 0-based line, and its place among the blocks."""

    level: int
    text: str
    line: int
    place: int


class Markdown(NamedTuple):
    """A text as its lines, its blocks, and the headings that stand in no list or quotation."""

    lines: list[str]
    blocks: list[SyntaxTreeNode]
    headings: list[Heading]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # The preset's nesting limit (20) also keeps hostile nesting from exhausting Python's stack.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "text_join", "reference"])


def read_markdown(text: str) -> Markdown:
    from markdown_it.tree import SyntaxTreeNode

    lines = split_lines(text.removeprefix(BOM))
    frontmatter = find_frontmatter(text)
    if frontmatter is not None:
        # Blank lines in its place, for its dashes are markdown too, and line numbers have to stay.
        lines[: frontmatter.line_count] = [""] * frontmatter.line_count
    blocks = SyntaxTreeNode(_parser().parse("\n".join(lines))).children
    headings = [
        Heading(int(block.tag[1:]), plain_text(block.children[0].content), block.map[0], place)
        for place, block in enumerate(blocks)
        if block.type == "heading" and block.map
    ]
    return Markdown(lines, blocks, headings)


class Piece(NamedTuple):
    """A stretch of text, inside a code span or outside."""

    text: str
    is_code: bool


def pieces(text: str) -> list[Piece]:
    """The text cut into code spans and what stands between."""
    runs = [found.span() for found in TICKS.finditer(text)]
    closing: dict[int, int | None] = {}
    next_of_length: dict[int, int] = {}
    for start, end in reversed(runs):
        closing[start] = next_of_length.get(end - start)
        next_of_length[end - start] = start
    result, done = [], 0
    for start, end in runs:
        close = closing[start]
        if start < done or close is None or text[start - 1 : start] == "\\":
            continue
        result += [Piece(text[done:start], False), Piece(text[end:close].strip(), True)]
        done = close + end - start
    return [piece for piece in (*result, Piece(text[done:], False)) if piece.text]


def without_comments(text: str) -> str:
    """The text without HTML comments."""
    kept, done = [], 0
    while (start := text.find("<!--", done)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[done:start])
        done = end + 3
    return "".join(kept) + text[done:]


def outside_code(text: str) -> str:
    """Text from outside a code span as a reader sees it: escapes, entities and links undone."""
    text = _ENTITY.sub(lambda found: unescape(found.group()), _LINK.sub(r"\1", text))
    return _ESCAPE.sub(r"\1", text)


def plain_text(text: str) -> str:
    """A heading or cell as plain words on one line."""
    parts = [piece.text if piece.is_code else _unmarked(piece.text) for piece in pieces(without_comments(text))]
    return " ".join("".join(parts).split())


def _unmarked(text: str) -> str:
    words = [word.strip("*") for word in outside_code(split_breaks(text, " ")).split(" ")]
    # Underscores are marks only around words; inside they belong to a name.
    return " ".join(word[1:-1] if word[:1] == word[-1:] == "_" and len(word) > 1 else word for word in words)


def split_breaks(text: str, mark: str) -> str:
    """The text with a mark in place of each `<br>`."""
    return _BREAK.sub(mark, text)


def is_empty_cell(text: str) -> bool:
    """Whether a cell (plain text) is empty or says so in words: `(none)`, a dash, `n/a`, `TBD`, `없음`."""
    return text.strip(" \t()[]<>.*_").casefold() in EMPTY_WORDS or not text.strip(" \t()[]<>.*_-")


def one_number(text: str) -> int | None:
    """The number of a cell that holds exactly one, such as `3`, `Stage 3`, `3 steps`."""
    found = _NUMBER.findall(text)
    if len(found) != 1 or len(found[0]) > 9 or re.search(r"[0-9][.,][0-9]|(?<!\w)-[0-9]", text):
        return None
    return int(found[0])


def folded(text: str) -> str:
    """The text for comparison: letter case and white space don't count."""
    return " ".join(text.split()).casefold()


def shown(text: str) -> str:
    """The text as a message may show it: short, on one line, without control characters."""
    short = (text if len(text) <= 60 else text[:57] + "…").replace("`", "'")
    return "`" + "".join(sign if sign.isprintable() else "?" for sign in short) + "`"


def fenced(text: str, kind: str = "text") -> str:
    """A stranger's text as a code block that it can't end."""
    longest = max((len(found) for found in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{kind}\n{text.rstrip()}\n{fence}"
