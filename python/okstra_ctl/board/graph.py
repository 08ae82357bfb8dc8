"""The stage graph in letters: a column for each wave, and lines from each stage to those of the next that need it.

A line leaves beside a stage's status and arrives beside a title, so only lines to the same stage share a path. A
stage's dependencies are listed as well, because lines across more than one wave are not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..plan.graph import waves
from ..status import DIM, HEAD, Line, Piece, tone_of
from ..system.visible_text import cut, display_width, on_one_line, padded
from .state import StageView

_WIDEST, _NARROWEST = 32, 12
_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_MARGIN = "  "


class Signs(NamedTuple):
    """What lines are drawn with: `lines` by the directions that meet in a place, as bits."""

    lines: str
    arrow: str
    needs: str
    more: str


DRAWN = Signs(" ───│┘└┴│┐┌┬│┤├┼", "▶", "←", "…")
PLAIN = Signs(" ---|+++|+++|+++", ">", "<-", "...")


class _Gap(NamedTuple):
    """What stands between two waves: its width, and the directions that meet in each of its places."""

    width: int
    marks: Mapping[tuple[int, int], int]


def graph_lines(stages: Sequence[StageView], columns: int | None, signs: Signs) -> list[Line]:
    """As a graph where there is room for one, else a line for each stage."""
    try:
        order = waves({stage.number: stage.depends_on for stage in stages})
    except ValueError:
        return _listed(stages, signs)
    by_number = {stage.number: stage for stage in stages}
    table = [[by_number[number] for number in wave] for wave in order]
    rows = {number: row for wave in order for row, number in enumerate(wave)}
    gaps = [_gap(wave, after, rows) for wave, after in pairwise(table)]
    room = None if columns is None else columns - len(_MARGIN) - sum(gap.width for gap in gaps)
    widths = _widths([_natural(wave, signs) for wave in table], room)
    return _listed(stages, signs) if widths is None else _drawn(table, gaps, widths, signs)


def _listed(stages: Sequence[StageView], signs: Signs) -> list[Line]:
    return [
        [Piece(_MARGIN), Piece(f"{stage.number} ", HEAD), Piece(f"{stage.title}  "), *_status(stage, signs)]
        for stage in stages
    ]


def _natural(wave: Sequence[StageView], signs: Signs) -> int:
    widest = max(max(display_width(_title(stage)), _status_width(stage, signs)) for stage in wave)
    return min(widest, _WIDEST)


def _widths(natural: Sequence[int], room: int | None) -> list[int] | None:
    """None when there is no room even for narrow columns."""
    for most in range(_WIDEST, _NARROWEST - 1, -1):
        widths = [min(width, most) for width in natural]
        if room is None or sum(widths) <= room:
            return widths
    return None


def _gap(wave: Sequence[StageView], after: Sequence[StageView], rows: Mapping[int, int]) -> _Gap:
    """A lane for each stage that a line leads away from."""
    ways = {stage.number: [rows[one.number] for one in after if stage.number in one.depends_on] for stage in wave}
    ways = {number: ends for number, ends in ways.items() if ends}
    marks: dict[tuple[int, int], int] = {}
    width = 2 * len(ways) + 3
    for lane, (number, ends) in enumerate(ways.items()):
        for end in ends:
            _lead(marks, rows[number] * 2 + 1, end * 2, lane * 2 + 1, width)
    return _Gap(width, marks)


def _lead(marks: dict[tuple[int, int], int], start: int, end: int, lane: int, width: int) -> None:
    """One line: along the row where it starts, down or up the lane, along the row where it ends."""

    def add(x: int, y: int, directions: int) -> None:
        marks[x, y] = marks.get((x, y), 0) | directions

    for x in range(lane):
        add(x, start, _LEFT | _RIGHT)
    step, onward, back = (1, _DOWN, _UP) if end > start else (-1, _UP, _DOWN)
    add(lane, start, _LEFT | onward)
    for y in range(start + step, end, step):
        add(lane, y, _UP | _DOWN)
    add(lane, end, _RIGHT | back)
    for x in range(lane + 1, width - 1):
        add(x, end, _LEFT | _RIGHT)


def _drawn(
    table: Sequence[Sequence[StageView]], gaps: Sequence[_Gap], widths: Sequence[int], signs: Signs
) -> list[Line]:
    height = max(map(len, table)) * 2
    lines: list[Line] = []
    for y in range(height):
        line: list[Piece] = [Piece(_MARGIN)]
        for place, (wave, width) in enumerate(zip(table, widths, strict=True)):
            gap = gaps[place] if place < len(gaps) else _Gap(0, {})
            stage = wave[y // 2] if y // 2 < len(wave) else None
            leads = bool(gap.marks.get((0, y), 0) & _LEFT)
            line += _below(stage, width, signs, leads=leads) if y % 2 else _cell(stage, width, signs)
            line += _between(gap, y, signs)
        lines.append(line)
    return lines


def _cell(stage: StageView | None, width: int, signs: Signs) -> list[Piece]:
    if stage is None:
        return [Piece(" " * width)]
    number, _, title = cut(_title(stage), width, signs.more).partition(" ")
    return [Piece(f"{number} ", HEAD), Piece(padded(title, width - len(number) - 1))]


def _below(stage: StageView | None, width: int, signs: Signs, *, leads: bool) -> list[Piece]:
    if stage is None:
        return [Piece(" " * width)]
    mark = " " * (len(str(stage.number)) + 1)
    room = width - len(mark)
    status = cut(stage.status, room, signs.more)
    needs = cut(_needs(stage, signs), room - display_width(status), signs.more)
    rest = room - display_width(status) - display_width(needs)
    line = " " + signs.lines[_LEFT | _RIGHT] * (rest - 1) if leads and rest else " " * rest
    return [Piece(mark), Piece(status, tone_of(stage.status)), Piece(needs + line, DIM)]


def _between(gap: _Gap, y: int, signs: Signs) -> list[Piece]:
    if not gap.width:
        return []
    marks = [gap.marks.get((x, y), 0) for x in range(gap.width - 1)]
    drawn = "".join(signs.lines[mark] for mark in marks)
    arrives = bool(marks) and bool(marks[-1] & _RIGHT)
    return [Piece(drawn[:-1] + (signs.arrow if arrives else drawn[-1]) + " ", DIM)]


def _title(stage: StageView) -> str:
    return f"{stage.number} {on_one_line(stage.title)}"


def _needs(stage: StageView, signs: Signs) -> str:
    return f" {signs.needs} {', '.join(map(str, stage.depends_on))}" if stage.depends_on else ""


def _status_width(stage: StageView, signs: Signs) -> int:
    return len(f"{stage.number} {stage.status}") + display_width(_needs(stage, signs)) + 2


def _status(stage: StageView, signs: Signs) -> list[Piece]:
    return [Piece(stage.status, tone_of(stage.status)), Piece(_needs(stage, signs), DIM)]
