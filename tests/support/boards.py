"""Boards for tests: with one text put wherever a text of an agent, a plan or a person may stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from okstra_ctl.board.state import Board, EndedRun, ProjectView, RunView, StageView, TaskView, WorkerView
from okstra_ctl.usage.tokens import Spent, Tokens

AT, SINCE = "2026-11-23T15:20:35Z", "2026-11-23T15:18:25Z"
GRAPH: Mapping[int, tuple[int, ...]] = {1: (), 2: (), 3: (1, 2), 4: (1,), 5: (3, 4)}
_STATUSES = {1: "done", 2: "done", 3: "running", 4: "ready"}


def stages(graph: Mapping[int, Sequence[int]] = GRAPH, title: str = "Part") -> tuple[StageView, ...]:
    return tuple(
        StageView(number, f"{title} {number}", tuple(needs), _STATUSES.get(number, "blocked"), (), "")
        for number, needs in graph.items()
    )


def worker(name: str = "claude", **more: Any) -> WorkerView:
    return WorkerView(name, "analyst", "claude", "a-model", "waiting")._replace(**more)


def run(said: str = "text", **more: Any) -> RunView:
    workers = (
        worker("claude", state="running", attempt=1, since=SINCE, last_line=said),
        worker("codex", state="error", label="round-1", attempt=2, since=SINCE, seconds=61.0, answer="unavailable"),
        worker("gemini", model=said),
    )
    spent = Spent(Tokens(1, 2, 3, 4), False, 0.41, False)
    view = RunView(
        "demo:core:T-1/implementation/stage-3/001", "implementation", 3, "running", SINCE, "", False, (), None
    )
    return view._replace(workers=workers, spent=spent, **more)


def board(said: str = "text", *runs: RunView, **more: Any) -> Board:
    second = run(said, run_id="demo:core:T-1/error-analysis/001", task_type="error-analysis", stage=None)
    second = second._replace(status="failed", next=f"okstra resume {said}", rehearsal=True)
    task = TaskView("demo:core:T-1", stages(title=said), runs or (run(said), second))
    ended = EndedRun(f"demo:core:{said}/error-analysis/001", "completed", SINCE, f"okstra show {said}")
    made = Board(AT, (ProjectView("demo", f"/projects/{said}", (task,)),), (ended,), 3, (said,))
    return made._replace(**more)
