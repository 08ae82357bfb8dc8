"""The stage graph of a page: a box for each stage, with its title in the lines that fit, and its status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..system.visible_text import visible
from ..terminal_text import beginning, display_width
from .drawing_layout import Layout, Measures, layout
from .graph import Graph

MEASURES = Measures(width=200, height=64, gap_x=56, gap_y=20, margin=4, head=28)
_COLUMNS_OF_TEXT, _LINES_OF_TEXT = 24, 2
_MOST_DRAWN = 80


class Box(NamedTuple):
    """What a stage's box shows: its title, where it leads, and its status with the tone of that."""

    title: str
    href: str = ""
    status: str = ""
    tone: str = ""

    @property
    def lines(self) -> list[str]:
        return wrapped(self.title, _LINES_OF_TEXT - bool(self.status))


class Picture(NamedTuple):
    layout: Layout
    boxes: Mapping[int, Box]
    size: Measures = MEASURES


def picture(graph: Graph, boxes: Mapping[int, Box]) -> Picture | None:
    """None for stages that depend on each other in a circle, or are too many to see."""
    if len(boxes) > _MOST_DRAWN:
        return None
    try:
        return Picture(layout(graph, MEASURES), boxes)
    except ValueError:
        return None


def wrapped(title: str, most: int) -> list[str]:
    """The title in as many lines as the box holds, counted in columns: Korean letters take two."""
    lines = [""]
    for word in visible(" ".join(title.split())).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if display_width(longer) <= _COLUMNS_OF_TEXT or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = [_cut(line) for line in lines[:most]]
    if len(lines) > most:
        kept[-1] = _cut(f"{kept[-1]} \u2026")
    return kept


def _cut(line: str) -> str:
    if display_width(line) <= _COLUMNS_OF_TEXT:
        return line
    return f"{beginning(line, _COLUMNS_OF_TEXT - 1).rstrip()}\u2026"
