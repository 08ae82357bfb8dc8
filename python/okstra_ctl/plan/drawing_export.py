"""The stage graph as Graphviz text, and as an SVG picture that stands by itself."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from .drawing_layout import Measures, layout
from .graph import critical_path, graph_of
from .model import StageMap

_MEASURES = Measures(width=220, height=48, gap_x=70, gap_y=24, margin=16, head=16)
_TITLE_LENGTH = 28


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
