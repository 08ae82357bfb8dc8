"""The board as lines for a terminal, with as much detail as its height has room for.

The stage graph is drawn in letters: a column for each wave, and lines from each stage to those of the next that need
it. A line leaves beside a stage's status and arrives beside a title, so only lines to the same stage share a path. A
stage's dependencies are listed as well, because lines across more than one wave are not drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..plan.model import waves
from ..status import DIM, HEAD, Line, Piece, RunStatus, StageStatus, tone_of
from ..system.text import beginning, cut, display_width, on_one_line, padded
from ..usage.tokens import cost_text, dollars
from .state import Board, EndedRun, RunView, StageView, TaskView, WorkerView, age, time_taken

_WIDEST, _NARROWEST = 32, 12
_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_MARGIN = "  "
# Levels of detail: runs only, their workers counted, the stages, each worker, the last line of its log.
_RUNS, _SUMMARY, _GRAPH, _WORKERS, _LOGS = range(5)
_LABELS = {"at_least": "at least", "unknown": "unknown"}


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


class Room(NamedTuple):
    """How large the board may be; None: no limit. `signs` are those that the terminal can show; `at` is the board's
    time as the person reads it, empty for the records' own form."""

    columns: int | None = None
    rows: int | None = None
    signs: Signs = DRAWN
    at: str = ""


def signs_of(encoding: str | None) -> Signs:
    return DRAWN if (encoding or "").lower().replace("-", "") == "utf8" else PLAIN


def board_lines(board: Board, room: Room) -> list[list[Piece]]:
    """With all details if they fit the height, else with less; the rest is counted in the last line."""
    lines: list[Line] = []
    for detail in (_LOGS, _WORKERS, _GRAPH, _SUMMARY, _RUNS):
        lines = _lines(board, detail, room)
        if room.rows is None or len(lines) <= room.rows:
            break
    if room.rows is not None and len(lines) > room.rows:
        kept = max(room.rows - 1, 0)
        rest = f"{room.signs.more} {len(lines) - kept} more lines: okstra status"
        lines = [*lines[:kept], [Piece(rest, DIM)]][: room.rows]
    return [fitted(line, room.columns, room.signs.more) for line in lines]


def fitted(line: Line, columns: int | None, more: str) -> list[Piece]:
    """The line, without what goes over so many columns."""
    pieces = [Piece(on_one_line(piece.text), piece.tone) for piece in line]
    if columns is None or sum(display_width(piece.text) for piece in pieces) <= columns:
        return pieces
    more = more[: max(columns, 0)]
    kept: list[Piece] = []
    room = columns - display_width(more)
    for text, tone in pieces:
        shown = beginning(text, room)
        if shown != text:
            return [*kept, Piece(shown + more, tone)]
        kept.append(Piece(text, tone))
        room -= display_width(text)
    return kept


def as_text(line: Line) -> str:
    return "".join(piece.text for piece in line).rstrip()


def _lines(board: Board, detail: int, room: Room) -> list[Line]:
    lines: list[Line] = [_head(board, room.at or board.at)]
    for task in board.tasks:
        if detail > _RUNS:
            lines.append([])
        lines += _task(task, board.at, detail, room)
    if board.more:
        lines.append([Piece(f"{room.signs.more} and {board.more} more open runs: okstra status", DIM)])
    if board.lately:
        lines += [[], *(_ended(run, board.at) for run in board.lately)] if detail > _RUNS else []
    lines += [[Piece("can't be read: ", "warn"), Piece(name)] for name in board.unread]
    return lines


def _head(board: Board, at: str) -> Line:
    counts = Counter(run.status for run in board.runs)
    pieces = [Piece("in work: " if counts else "nothing is in work", HEAD)]
    for place, (status, count) in enumerate(counts.items()):
        pieces += [Piece(", " if place else ""), Piece(f"{count} {status}", tone_of(status))]
    return [*pieces, Piece(f"  {at}", DIM)]


def _task(task: TaskView, now: str, detail: int, room: Room) -> list[Line]:
    done = sum(stage.status == StageStatus.DONE for stage in task.stages)
    stages = f"  {done}/{len(task.stages)} stages done" if task.stages else ""
    lines: list[Line] = [[Piece(task.task_key, HEAD), Piece(stages, DIM)]] if detail > _RUNS else []
    if detail >= _GRAPH and task.stages:
        lines += graph_lines(task.stages, room.columns, room.signs)
    for run in task.runs:
        lines += _run(run, task, now, detail, room)
    return lines


def _run(run: RunView, task: TaskView, now: str, detail: int, room: Room) -> list[Line]:
    name = run.run_id.removeprefix(f"{task.task_key}/") if detail > _RUNS else run.run_id
    facts = [age(run.since, now), _cost(run), "rehearsal" if run.rehearsal else ""]
    details = "  ".join(fact for fact in facts if fact)
    indent = "  " if detail > _RUNS else ""
    lines: list[Line] = [
        [Piece(indent), Piece(run.status, tone_of(run.status)), Piece(f"  {name}  "), Piece(details, DIM)]
    ]
    if _RUNS < detail < _WORKERS and run.workers:
        lines.append([Piece("    "), *_summary(run.workers)])
    if detail >= _WORKERS:
        if run.next and run.status != RunStatus.RUNNING:
            lines.append([Piece("    next: ", DIM), Piece(run.next)])
        lines += _workers(run.workers, now, logs=detail >= _LOGS)
    return lines


def _workers(workers: Sequence[WorkerView], now: str, *, logs: bool) -> list[Line]:
    """Names and states stand below each other."""
    name_width = max((display_width(on_one_line(one.worker)) for one in workers), default=0)
    state_width = max((display_width(on_one_line(one.state)) for one in workers), default=0)
    lines: list[Line] = []
    for one in workers:
        facts = [
            one.label,
            f"attempt {one.attempt}" if one.attempt > 1 else "",
            time_taken(one, now),
            f"no sign of work since {one.stalled_since}" if one.stalled_since else "",
            f"again at {one.again_at}" if one.again_at else one.answer,
            one.model,
        ]
        lines.append(
            [
                Piece("    "),
                Piece(padded(on_one_line(one.worker), name_width)),
                Piece("  "),
                Piece(padded(on_one_line(one.state), state_width), tone_of(one.state)),
                Piece("  " + "  ".join(fact for fact in facts if fact), DIM),
            ]
        )
        if logs and one.last_line:
            lines.append([Piece("      "), Piece(one.last_line, DIM)])
    return lines


def _summary(workers: Sequence[WorkerView]) -> Line:
    pieces: list[Piece] = []
    for state, count in Counter(one.state for one in workers).items():
        pieces += [Piece(", " if pieces else "workers: ", DIM), Piece(f"{count} {state}", tone_of(state))]
    return pieces


def _cost(run: RunView) -> str:
    """Empty for a run without a dispatch, and for a rehearsal, which costs nothing."""
    if run.spent is None or run.rehearsal:
        return ""
    return f"cost {cost_text(run.spent.to_json(), _LABELS)}"


def _ended(run: EndedRun, now: str) -> Line:
    since = age(run.at, now)
    pieces = [Piece(run.status, tone_of(run.status)), Piece(f"  {run.run_id}  ")]
    pieces.append(Piece(f"{since} ago  " if since else "", DIM))
    return [*pieces, Piece(f"next: {run.next}" if run.next else "", DIM)]


def live_lines(board: Board, columns: int, more: str) -> list[Line]:
    """`columns`: what a line may take. A run's name stands above its workers where there are several runs."""
    lines: list[Line] = []
    for run in board.runs:
        if len(board.runs) > 1:
            lines.append([Piece(cut(on_one_line(run.run_id), columns, more), HEAD)])
        lines += _of_run(run, board.at, columns, more)
    return lines


def _of_run(run: RunView, now: str, columns: int, more: str) -> list[Line]:
    names = max((display_width(on_one_line(one.worker)) for one in run.workers), default=0)
    states = max((len(one.state) for one in run.workers), default=0)
    return [_of_worker(one, now, names, states, columns, more) for one in run.workers]


def _of_worker(one: WorkerView, now: str, names: int, states: int, columns: int, more: str) -> Line:
    cost = dollars(one.cost_usd) if one.cost_usd is not None else ""
    facts = "  ".join(filter(None, (one.label, time_taken(one, now), cost, on_one_line(one.last_line))))
    line = [
        Piece(f"  {padded(on_one_line(one.worker), names)}  "),
        Piece(padded(one.state, states), tone_of(one.state)),
        Piece(f"  {facts}", DIM),
    ]
    return _within(line, columns, more)


def _within(line: Line, columns: int, more: str) -> Line:
    """The line, its end left out where it is too wide."""
    kept: list[Piece] = []
    for piece in line:
        text = cut(piece.text, max(columns, 0), more)
        kept.append(piece._replace(text=text))
        columns -= display_width(text)
    return kept
