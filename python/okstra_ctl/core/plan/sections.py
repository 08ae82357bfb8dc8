"""The sections `### 5.5.<N> Stage <N>: <title>` with their numbered steps.

The steps are the ordered lists at the left margin of the section. A list goes on after what interrupts it: when its
numbering goes on, or when only code stands between. A list that begins at 1 again after prose is another list, and
so is what goes on from that one.
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import NamedTuple

from markdown_it.token import Token

from .cells import says_nothing, without_comments
from .markdown_blocks import Blocks, Heading
from .records import Step

_HEADING = re.compile(r"5\.5\.([0-9]+)\.?(?![0-9.]) ?[:–—-]? ?(?:stage #?([0-9]+))? ?[:.–—-]? ?(.*)$", re.IGNORECASE)
_MARKER = re.compile(r"[ \t]*\d{1,9}[.)][ \t]*(?:\[[ xX]\][ \t]+)?")
_EXEMPTION = re.compile(r"[\W_]*TDD[ -]?(?:exemption|예외|면제)[ *_]*[:：](.*)$", re.IGNORECASE)
_CODE = ("fence", "code_block")
_KEEPS_LIST_OPEN = (*_CODE, "html_block", "ordered_list_close")


class RawStep(NamedTuple):
    """A step, and whether a code block stands in it."""

    step: Step
    has_code_block: bool


class Section(NamedTuple):
    """A stage section. `number` is the one after `5.5.`, `second` the one after `Stage` (None when absent).

    `exemption` is the reason after `TDD exemption:`, None when there is no such line; `line` is 1-based.
    """

    number: int
    second: int | None
    title: str
    line: int
    steps: tuple[RawStep, ...]
    exemption: str | None


def read_sections(blocks: Blocks, headings: list[Heading], end: int) -> tuple[Section, ...]:
    """The stage sections among the headings (list of Heading) of the map's part, which ends at token `end` (int)."""
    sections = []
    for place, heading in enumerate(headings):
        found = _HEADING.match(heading.text)
        if found is None:
            continue
        tokens = blocks.tokens[heading.token + 3 : _section_end(headings, place, end)]
        number, second = _number(found.group(1)), found.group(2) and _number(found.group(2))
        steps = _steps(blocks.lines, tokens)
        sections.append(Section(number, second or None, found.group(3), heading.line + 1, steps, _exemption(tokens)))
    return tuple(sections)


def _section_end(headings: list[Heading], place: int, end: int) -> int:
    """The token where a section ends: at a heading of its level or above, or at the next section."""
    level = headings[place].level
    for later in range(place + 1, len(headings)):
        if headings[later].level <= level or _HEADING.match(headings[later].text):
            return headings[later].token
    return end


def _number(digits: str) -> int:
    # Beyond nine digits all numbers are alike: no map has such a row.
    return int(digits) if len(digits) <= 9 else 10**9


def _steps(lines: list[str], tokens: list[Token]) -> tuple[RawStep, ...]:
    """The steps, numbered by their order, of the lists that belong together."""
    found: list[RawStep] = []
    belongs = counts = interrupted = False
    for index, token in enumerate(tokens):
        if token.level == 0 and token.type == "ordered_list_open":
            start = int(token.attrs.get("start", 1))
            if not found or start == len(found) + 1:
                belongs = True
            elif start <= 1 and interrupted:
                belongs = False
            counts, interrupted = belongs, False
        elif token.level == 0:
            counts = False
            interrupted = interrupted or token.type not in _KEEPS_LIST_OPEN
        elif counts and token.level == 1 and token.type == "list_item_open" and token.map:
            text = _item_text(lines[token.map[0] : token.map[1]])
            step = Step(len(found) + 1, text, token.map[0] + 1)
            found.append(RawStep(step, _has_code_block(tokens, index)))
    return tuple(found)


def _item_text(lines: list[str]) -> str:
    """The markdown of a list item without its marker and indentation."""
    rest = dedent("\n".join(lines[1:]))
    return f"{_MARKER.sub('', lines[0], count=1)}\n{rest}".rstrip()


def _has_code_block(tokens: list[Token], start: int) -> bool:
    """Whether a code block stands in the list item that opens at a token."""
    index = start + 1
    while tokens[index].level > 1:
        if tokens[index].type in _CODE and tokens[index].content.strip():
            return True
        index += 1
    return False


def _exemption(tokens: list[Token]) -> str | None:
    """The reason of the section's first `TDD exemption:` line; empty when it gives none."""
    for token in tokens:
        if token.type != "inline" or "tdd" not in token.content.lower():
            continue
        for line in without_comments(token.content).split("\n"):
            found = _EXEMPTION.match(line)
            if found is not None:
                reason = found.group(1).strip(" \t*_")
                return "" if says_nothing(reason) or (reason[0] == "<" and reason[-1] == ">") else reason
    return None
