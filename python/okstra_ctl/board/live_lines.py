"""The lines that stand below a led run's progress at a terminal: one for each worker."""

from __future__ import annotations

from ..status import DIM, HEAD, Line, Piece, tone_of
from ..system.text import cut, display_width, on_one_line, padded
from ..usage.tokens import dollars
from .state import Board, RunView, WorkerView, time_taken


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
