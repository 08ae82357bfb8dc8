"""The live lines of a led run: one a worker, within the terminal's width, with what it does now."""

from __future__ import annotations

import pytest

from okstra_ctl.board.lines import live_lines
from okstra_ctl.board.state import Board, ProjectView, RunView, TaskView
from okstra_ctl.system.text import display_width
from support.boards import worker

_NOW, _SINCE = "2026-11-23T15:21:07Z", "2026-11-23T15:20:00Z"


def board(*runs: tuple[str, int]) -> Board:
    busy = worker(
        "claude-worker", state="running", attempt=1, since=_SINCE, last_line="Bash: pytest -q 한국어", cost_usd=1.5
    )
    views = tuple(
        RunView(name, "implementation", stage, "running", _SINCE, "", False, (busy, worker("late")), None)
        for name, stage in runs
    )
    return Board(_NOW, (ProjectView("demo", "/x", (TaskView("demo:core:T-1", (), views),)),))


def text(lines: list[list[object]]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]  # type: ignore[attr-defined]


def test_a_worker_has_one_line_with_state_time_cost_and_its_last_activity() -> None:
    first, second = text(live_lines(board(("r/1", 1)), 100, "…"))  # type: ignore[arg-type]
    assert first.split("  ")[1:] == ["claude-worker", "running", "1 min 07 s", "$1.50", "Bash: pytest -q 한국어"]
    assert second.split() == ["late", "waiting"]


def test_several_runs_are_named_above_their_workers() -> None:
    lines = text(live_lines(board(("r/stage-1", 1), ("r/stage-2", 2)), 100, "…"))  # type: ignore[arg-type]
    assert [line for line in lines if not line.startswith(" ")] == ["r/stage-1", "r/stage-2"]


@pytest.mark.parametrize("columns", [0, 1, 5, 20, 40, 60])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = text(live_lines(board(("a-very-long-run-id/implementation/stage-1/001", 1), ("b", 2)), columns, "…"))  # type: ignore[arg-type]
    assert max(map(display_width, lines)) <= columns
