"""The board as lines for a terminal, with as much detail as its height has room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..history.durations import duration_text, seconds_between
from ..status import DIM, HEAD, Line, Piece, RunStatus, StageStatus, tone_of
from ..system.visible_text import beginning, display_width, on_one_line, padded
from ..usage.amounts import cost_text
from .graph import DRAWN, PLAIN, Signs, graph_lines
from .state import RUNNING, Board, EndedRun, RunView, TaskView, WorkerView

# Levels of detail: runs only, their workers counted, the stages, each worker, the last line of its log.
_RUNS, _SUMMARY, _GRAPH, _WORKERS, _LOGS = range(5)
_LABELS = {"at_least": "at least", "unknown": "unknown"}


class Room(NamedTuple):
    """How large the board may be; None: no limit. `signs` are those that the terminal can show."""

    columns: int | None = None
    rows: int | None = None
    signs: Signs = DRAWN


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
    lines: list[Line] = [_head(board)]
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


def _head(board: Board) -> Line:
    counts = Counter(run.status for run in board.runs)
    pieces = [Piece("in work: " if counts else "nothing is in work", HEAD)]
    for place, (status, count) in enumerate(counts.items()):
        pieces += [Piece(", " if place else ""), Piece(f"{count} {status}", tone_of(status))]
    return [*pieces, Piece(f"  {board.at}", DIM)]


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
    facts = [_age(run.since, now), _cost(run), "rehearsal" if run.rehearsal else ""]
    told = "  ".join(fact for fact in facts if fact)
    indent = "  " if detail > _RUNS else ""
    lines: list[Line] = [
        [Piece(indent), Piece(run.status, tone_of(run.status)), Piece(f"  {name}  "), Piece(told, DIM)]
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
        facts = [one.label, f"attempt {one.attempt}" if one.attempt > 1 else "", _took(one, now), one.answer, one.model]
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


def _took(worker: WorkerView, now: str) -> str:
    if worker.seconds is not None:
        return duration_text(round(worker.seconds))
    return _age(worker.since, now) if worker.state == RUNNING else ""


def _age(since: str, now: str) -> str:
    seconds = seconds_between(since, now)
    return "" if seconds is None else duration_text(seconds)


def _cost(run: RunView) -> str:
    """Empty for a run without a dispatch, and for a rehearsal, which costs nothing."""
    if run.spent is None or run.rehearsal:
        return ""
    return f"cost {cost_text(run.spent.to_json(), _LABELS)}"


def _ended(run: EndedRun, now: str) -> Line:
    age = _age(run.at, now)
    pieces = [Piece(run.status, tone_of(run.status)), Piece(f"  {run.run_id}  ")]
    pieces.append(Piece(f"{age} ago  " if age else "", DIM))
    return [*pieces, Piece(f"next: {run.next}" if run.next else "", DIM)]
