"""What the board's page shows, as values. It is a file by itself, without JavaScript; its template is in
`templates/board/`, and takes the report's pieces, words, colours and stage graph."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from ..plan.drawing import Box, Picture, picture
from ..report.page.view import Words, parts_of, policy_hash, prose_of
from ..status import StageStatus, tone_of
from ..usage.tokens import cost_text
from .state import Board, RunView, TaskView, WorkerView, age, time_taken


class PageView(NamedTuple):
    """`style` is okstra's own; `every` is after how many seconds the page loads itself again, 0 for never; `at` is the
    board's time as the person reads it, empty for the records' own form."""

    board: Board
    words: Words
    language: str
    style: str
    version: str
    every: int = 0
    at: str = ""


def page_values(view: PageView) -> dict[str, Any]:
    """The names that the template uses. The same view gives the same values."""
    words, board = view.words, view.board
    return {
        **{"view": view, "board": board, "words": words},
        **{"tone_of": tone_of, "parts_of": parts_of, "prose_of": prose_of},
        "policy": (f"default-src 'none'; style-src '{policy_hash(view.style)}'; base-uri 'none'; form-action 'none'"),
        "counts": Counter(run.status for run in board.runs),
        "age": lambda since: age(since, board.at),
        "graph_of": lambda task: _graph(task, words),
        "done_of": lambda task: sum(stage.status == StageStatus.DONE for stage in task.stages),
        "cost_of": lambda run: _cost(run, words),
        "took": lambda worker: time_taken(worker, board.at),
        "asked": lambda worker: _asked(worker, words),
    }


def _graph(task: TaskView, words: Words) -> Picture | None:
    needs = {stage.number: stage.depends_on for stage in task.stages}
    boxes = {
        stage.number: Box(stage.title, "", words.token(stage.status), tone_of(stage.status)) for stage in task.stages
    }
    return picture(needs, boxes)


def _cost(run: RunView, words: Words) -> str:
    """Empty for a run that nobody worked for yet."""
    if run.rehearsal:
        return words("rehearsal_run")
    return cost_text(run.spent.to_json(), words.labels) if run.spent is not None else ""


def _asked(worker: WorkerView, words: Words) -> str:
    asked = worker.label or words("own_result") if worker.attempt else ""
    return f"{asked} #{worker.attempt}" if worker.attempt > 1 else asked
