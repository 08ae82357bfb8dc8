"""The stage graph as a picture: for pages, with status and wrapped titles; for Graphviz; and as an SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from ..system.text import beginning, display_width, visible
from .model import Graph, StageMap, critical_path, graph_of, waves

_COLUMNS_OF_TEXT, _LINES_OF_TEXT = 24, 2
_MOST_DRAWN = 80
_TITLE_LENGTH = 28


class Measures(NamedTuple):
    """The size of a box, the gaps between boxes, and the margins, in pixels. `head` is what stands above them all."""

    width: int
    height: int
    gap_x: int
    gap_y: int
    margin: int
    head: int


class Edge(NamedTuple):
    """A line from a stage to one that depends on it, as an SVG path."""

    path: str
    strong: bool


class Layout(NamedTuple):
    """`columns` is the left side of each wave, `places` the upper left corner of each stage's box."""

    width: int
    height: int
    columns: Sequence[int]
    places: Mapping[int, tuple[int, int]]
    edges: Sequence[Edge]
    chain: Sequence[int]


def layout(graph: Graph, measures: Measures) -> Layout:
    """Raises ValueError for stages that depend on each other in a circle."""
    order = waves(graph)
    step_x, step_y = measures.width + measures.gap_x, measures.height + measures.gap_y
    columns = [measures.margin + column * step_x for column in range(len(order))]
    places = {
        stage: (x, measures.head + row * step_y)
        for x, wave in zip(columns, order, strict=True)
        for row, stage in enumerate(wave)
    }
    chain = critical_path(graph)
    bold = set(pairwise(chain))
    edges = [
        Edge(_curve(places[need], places[stage], measures), (need, stage) in bold)
        for stage, needs in graph.items()
        for need in needs
        if need in places
    ]
    width = measures.margin + max(columns, default=0) + measures.width
    height = measures.head + max(map(len, order), default=1) * step_y
    return Layout(width, height, columns, places, edges, chain)


def _curve(start: tuple[int, int], end: tuple[int, int], measures: Measures) -> str:
    x1, y1 = start[0] + measures.width, start[1] + measures.height // 2
    x2, y2 = end[0], end[1] + measures.height // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"


MEASURES = Measures(width=240, height=64, gap_x=56, gap_y=20, margin=4, head=28)


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


_MEASURES = Measures(width=260, height=48, gap_x=70, gap_y=24, margin=16, head=16)


def as_dot(stage_map: StageMap) -> str:
    graph = graph_of(stage_map)
    bold = set(pairwise(critical_path(graph)))
    lines = ["digraph stages {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {stage.number} [label={_quoted(f'{stage.number}  {stage.title}')}];" for stage in stage_map.stages]
    for number, needs in graph.items():
        lines += [f"  {need} -> {number}{' [penwidth=2]' if (need, number) in bold else ''};" for need in needs]
    return "\n".join([*lines, "}"])


def as_svg(stage_map: StageMap) -> str:
    drawn = layout(graph_of(stage_map), _MEASURES)
    lines = [
        f'<path d="{edge.path}" fill="none" stroke="#556" stroke-width="{3 if edge.strong else 1}"/>'
        for edge in drawn.edges
    ]
    boxes = [_box(drawn.places[stage.number], f"{stage.number}  {stage.title}") for stage in stage_map.stages]
    size = f'viewBox="0 0 {drawn.width} {drawn.height}" width="{drawn.width}" height="{drawn.height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">'
    return "\n".join([head, *lines, *boxes, "</svg>"])


def _box(place: tuple[int, int], text: str) -> str:
    x, y = place
    text = "".join(char if char.isprintable() else "\ufffd" for char in text)  # XML has no way to write them
    short = text if len(text) <= _TITLE_LENGTH else text[: _TITLE_LENGTH - 1] + "…"
    width, height = _MEASURES.width, _MEASURES.height
    return (
        f'<g><title>{escape(text)}</title><rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" '
        f'fill="#f4f6fb" stroke="#556"/><text x="{x + 12}" y="{y + 29}" fill="#112">{escape(short)}</text></g>'
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
