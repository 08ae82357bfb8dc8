"""The stage graph as Graphviz text and as an SVG picture: one column a wave, the critical path drawn bold."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from .plan.records import StageMap
from .stages import critical_path, graph_of, waves

_BOX_WIDTH, _BOX_HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 220, 48, 70, 24, 16
_TITLE_LENGTH = 28


def as_dot(stage_map: StageMap) -> str:
    graph = graph_of(stage_map)
    chain = critical_path(graph)
    bold = set(pairwise(chain))
    lines = ["digraph stages {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {stage.number} [label={_quoted(f'{stage.number}  {stage.title}')}];" for stage in stage_map.stages]
    for number, needs in graph.items():
        lines += [f"  {need} -> {number}{' [penwidth=2]' if (need, number) in bold else ''};" for need in needs]
    return "\n".join([*lines, "}"])


def as_svg(stage_map: StageMap) -> str:
    graph = graph_of(stage_map)
    places = {
        stage: (_MARGIN + column * (_BOX_WIDTH + _GAP_X), _MARGIN + row * (_BOX_HEIGHT + _GAP_Y))
        for column, wave in enumerate(waves(graph))
        for row, stage in enumerate(wave)
    }
    chain = critical_path(graph)
    bold = set(pairwise(chain))
    width = max((x for x, _ in places.values()), default=0) + _BOX_WIDTH + _MARGIN
    height = max((y for _, y in places.values()), default=0) + _BOX_HEIGHT + _MARGIN
    lines = [
        _edge(places[need], places[number], (need, number) in bold) for number, needs in graph.items() for need in needs
    ]
    boxes = [_box(places[stage.number], f"{stage.number}  {stage.title}") for stage in stage_map.stages]
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">'
    return "\n".join([head, *lines, *boxes, "</svg>"])


def _edge(start: tuple[int, int], end: tuple[int, int], bold: bool) -> str:
    x1, y1 = start[0] + _BOX_WIDTH, start[1] + _BOX_HEIGHT // 2
    x2, y2 = end[0], end[1] + _BOX_HEIGHT // 2
    middle = (x1 + x2) // 2
    weight = 3 if bold else 1
    curve = f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"
    return f'<path d="{curve}" fill="none" stroke="#556" stroke-width="{weight}"/>'


def _box(place: tuple[int, int], text: str) -> str:
    x, y = place
    text = "".join(char if char.isprintable() else "\ufffd" for char in text)  # XML has no way to write them
    short = text if len(text) <= _TITLE_LENGTH else text[: _TITLE_LENGTH - 1] + "…"
    return (
        f'<g><title>{escape(text)}</title><rect x="{x}" y="{y}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="6" '
        f'fill="#f4f6fb" stroke="#556"/><text x="{x + 12}" y="{y + 29}" fill="#112">{escape(short)}</text></g>'
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
