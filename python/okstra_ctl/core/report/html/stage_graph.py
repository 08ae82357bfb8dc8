"""A plan's stages: the graph, one column a wave, with the critical path; and each stage with its steps."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from ....words.hints import Any, Mapping, Sequence
from ....words.records import Record
from ...stages import critical_path, waves
from . import pieces
from .markup import Markup, joined, shown, tag
from .view import View, Words

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN, _HEAD = 200, 64, 56, 20, 4, 28
_COLUMNS_OF_TEXT, _LINES_OF_TEXT = 24, 2
_MOST_DRAWN = 80


def stages(view: View) -> Markup:
    rows: Sequence[Mapping[str, Any]] = view.report["phase"].get("stages", [])
    words = view.words
    if not rows:
        return pieces.section("stages", words("stage_map"), pieces.nothing(words))
    needs = {number: tuple(row["depends_on"]) for number, row in enumerate(rows, 1)}
    sections = (_stage(number, row, view) for number, row in enumerate(rows, 1))
    boxes = {number: Box(row["title"], href=f"#stage-{number}") for number, row in enumerate(rows, 1)}
    return pieces.section("stages", words("stage_map"), picture(needs, boxes, words), sections)


class Box(Record):
    """What a stage's box shows: its title, where it leads, and its status with the tone of that."""

    title: str
    href: str | None = None
    status: str = ""
    tone: str = ""


def picture(needs: Mapping[int, tuple[int, ...]], boxes: Mapping[int, Box], words: Words) -> Markup | None:
    """None for stages that depend on each other in a circle, or are too many to see."""
    try:
        columns = waves(needs)
    except ValueError:
        return None
    if len(boxes) > _MOST_DRAWN:
        return None
    places = {
        stage: (_MARGIN + column * (_WIDTH + _GAP_X), _HEAD + row * (_HEIGHT + _GAP_Y))
        for column, wave in enumerate(columns)
        for row, stage in enumerate(wave)
    }
    chain = critical_path(needs)
    bold = set(pairwise(chain))
    width = _MARGIN * 2 + len(columns) * (_WIDTH + _GAP_X) - _GAP_X
    height = _HEAD + max(map(len, columns)) * (_HEIGHT + _GAP_Y)
    heads = (
        tag("text", f"{words('wave')} {number}", x=_MARGIN + (number - 1) * (_WIDTH + _GAP_X), y=16, class_="tick")
        for number in range(1, len(columns) + 1)
    )
    edges = [
        _edge(places[need], places[stage], strong=(need, stage) in bold)
        for stage, wanted in needs.items()
        for need in wanted
        if need in places
    ]
    drawn = (_box(number, box, places[number], strong=number in chain) for number, box in boxes.items())
    whole = tag(
        "svg",
        tag("title", words("stage_graph")),
        heads,
        edges,
        drawn,
        class_="stage-graph",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=words("stage_graph"),
    )
    path = " \u2192 ".join(map(str, chain))
    return joined(
        [
            tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=words("stage_graph")),
            tag("p", f"{words('critical_path')}: {path}", class_="muted small"),
        ]
    )


def _edge(start: tuple[int, int], end: tuple[int, int], *, strong: bool) -> Markup:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x2, y2 = end[0], end[1] + _HEIGHT // 2
    middle = (x1 + x2) // 2
    curve = f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
    return tag("path", d=curve, class_="edge strong" if strong else "edge")


def _box(number: int, box: Box, place: tuple[int, int], *, strong: bool) -> Markup:
    x, y = place
    lines = _wrapped(box.title, _LINES_OF_TEXT - bool(box.status))
    told = tag("text", box.status, x=x + 36, y=y + 44, class_=f"stage-status {box.tone}") if box.status else None
    look = " ".join(["box", *(["strong"] if strong else []), *filter(None, [box.tone])])
    return tag(
        "a",
        tag("title", " ".join(filter(None, [str(number), box.title, box.status]))),
        tag("rect", x=x, y=y, width=_WIDTH, height=_HEIGHT, rx=6, class_=look),
        tag("text", str(number), x=x + 12, y=y + 26, class_="stage-number"),
        (tag("text", line, x=x + 36, y=y + 26 + 18 * row) for row, line in enumerate(lines)),
        told,
        href=box.href,
    )


def _wrapped(title: str, most: int) -> list[str]:
    """The title in as many lines as the box holds, counted in columns: Korean letters take two."""
    lines = [""]
    for word in shown(" ".join(title.split())).split(" "):
        joined_line = f"{lines[-1]} {word}".strip()
        if _columns(joined_line) <= _COLUMNS_OF_TEXT or not lines[-1]:
            lines[-1] = joined_line
        else:
            lines.append(word)
    kept = [_cut(line) for line in lines[:most]]
    if len(lines) > most:
        kept[-1] = _cut(f"{kept[-1]} \u2026\u2026")
    return kept


def _cut(line: str) -> str:
    if _columns(line) <= _COLUMNS_OF_TEXT:
        return line
    kept = ""
    for char in line:
        if _columns(kept + char) > _COLUMNS_OF_TEXT - 1:
            break
        kept += char
    return f"{kept.rstrip()}\u2026"


def _columns(line: str) -> int:
    return len(line) if line.isascii() else sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def _stage(number: int, row: Mapping[str, Any], view: View) -> Markup:
    words = view.words
    needs = ", ".join(map(str, row["depends_on"])) or words("none")
    told = pieces.facts(
        [
            (words("depends_on"), needs),
            (words("files"), [[pieces.code(name), " "] for name in row["files"]]),
            (words("exit_check"), pieces.code(row["exit_check"])),
            *([(words("tdd_exemption"), row["tdd_exemption"])] if row["tdd_exemption"] else []),
        ]
    )
    steps = tag("ol", (tag("li", pieces.prose(step, words)) for step in row["steps"]))
    heading = tag("h3", f"{words('stage')} {number}: ", pieces.worded(row["title"]), dir="auto")
    return tag("article", heading, told, steps, id=f"stage-{number}", class_="stage")
