"""Where the boxes of a stage graph stand: one column a wave, lines between them, the critical path bold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .graph import Graph, critical_path, waves


class Measures(NamedTuple):
    """The size of a box, the gaps between boxes, and the margins, in pixels. `head` is what stands above them all."""

    width: int
    height: int
    gap_x: int
    gap_y: int
    margin: int
    head: int


class Edge(NamedTuple):
    """A line from one stage to another that needs it, as the path of an SVG picture."""

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
