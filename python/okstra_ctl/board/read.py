"""Reads the board from the index, the registry, and the records of open runs only.

So its cost depends on the work in progress, not on all history; only the end of a log is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..errors import OkstraError
from ..history.listing import RunRow, dropped_rows, run_rows
from ..history.next_steps import step_of
from ..history.usage import prices_now, usage_so_far
from ..index.run_index import EVERYTHING
from ..names import RunId, TaskKey
from ..paths import ProjectFiles, RunFiles
from ..plan import plans
from ..runs.events import Events, events_of
from ..runs.find import KnownRun, known_run
from ..services import Services
from ..stages.records import current_states
from ..system import files
from ..usage.prices import Price
from .state import (
    WAITING,
    Board,
    EndedRun,
    ProjectView,
    RunView,
    StageView,
    TaskView,
    WorkerView,
    choose,
    last_line,
    workers_of,
)

_LATELY = 15 * 60  # seconds that a run which has ended stays on the board
_TAIL, _LINES = 64 * 1024, 60  # of a log: a key of many lines must be seen whole to be hidden


def read_board(services: Services, is_wanted: Callable[[RunRow], bool], *, dropped: bool = False) -> Board:
    """With `dropped`, what was dropped comes last.

    Raises Unreadable for a registry that can't be read; UsageError (`bad-config`) for prices that are none.
    """
    known = list(filter(is_wanted, run_rows(services, EVERYTHING if dropped else None)))
    rows, more, lately = choose(known, services.clock.before(_LATELY))
    rows += reversed(dropped_rows(known, services)) if dropped else []
    prices = prices_now(services)
    unread: list[str] = []
    projects: dict[tuple[str, str], dict[TaskKey, list[RunView]]] = {}
    for row in rows:
        task = _task_of(row)
        if task is None:
            unread.append(row.run_id)
            continue
        view = _run(row, prices, unread, services)
        projects.setdefault((task.project_id, row.project_root), {}).setdefault(task, []).append(view)
    found = tuple(
        ProjectView(name, root, tuple(_task(root, key, runs, services, unread) for key, runs in tasks.items()))
        for (name, root), tasks in projects.items()
    )
    return Board(services.clock.now(), found, tuple(map(_ended, lately)), more, tuple(dict.fromkeys(unread)))


def _task_of(row: RunRow) -> TaskKey | None:
    try:
        return RunId.parse(row.run_id).task
    except OkstraError:  # a row that somebody else wrote
        return None


def _run(row: RunRow, prices: Mapping[str, Price], unread: list[str], services: Services) -> RunView:
    """A run whose manifest can't be read is still open: it is shown without its workers."""
    step = step_of(row, services)
    view = RunView(row.run_id, row.task_type, row.stage, row.status, row.at, step, False, (), None)
    run = known_run(row.run_id, row.project_root)
    try:
        events = events_of(run.files) if run else []
    except OkstraError:
        run = None
    if run is None:
        unread.append(row.run_id)
        return view
    usage = usage_so_far(run, events, prices)
    costs = {one.worker: one.spent.usd for one in usage.workers if one.spent.usd and not one.rehearsal}
    return view._replace(
        rehearsal=run.manifest.get("rehearsal") is True,
        workers=tuple(
            _with_last_line(run.files, worker)._replace(cost_usd=costs.get(worker.worker))
            for worker in _workers(run, events, row.status)
        ),
        spent=usage.total if usage.workers else None,
    )


def _workers(run: KnownRun, events: Events, status: str) -> Iterable[WorkerView]:
    roster = run.manifest.get("roster")
    names = [str(row.get("id")) for row in roster if isinstance(row, Mapping)] if isinstance(roster, list) else []
    written = [name for name in names if os.path.exists(run.files.worker_result(name))]
    return workers_of(roster, events, status, written)


def _with_last_line(paths: RunFiles, worker: WorkerView) -> WorkerView:
    """Adds the last line of its log, without keys: okstra hides those in the file only when the dispatch has ended."""
    if worker.state == WAITING or not worker.attempt:
        return worker
    log = paths.worker_log(worker.worker, worker.label, worker.attempt)
    lines = files.read_tail(log, _TAIL).decode("utf-8", "replace").split("\n")
    text = "\n".join(lines[-_LINES:])
    if not text:
        return worker
    from ..system.secrets import hide

    return worker._replace(last_line=last_line(hide(text)[0]))


def _task(root: str, key: TaskKey, runs: Sequence[RunView], services: Services, unread: list[str]) -> TaskView:
    try:
        stages = _stages(ProjectFiles(root), key, services)
    except OkstraError as error:
        stages = ()
        unread.append(error.where or str(key))
    return TaskView(str(key), stages, tuple(runs))


def _stages(project: ProjectFiles, key: TaskKey, services: Services) -> tuple[StageView, ...]:
    path = plans.latest(project.task(key))
    stage_map = plans.load(path, services).stage_map if path else None
    if path is None or stage_map is None:
        return ()
    return tuple(
        StageView(one.stage, one.title, one.depends_on, str(one.status), one.blocked_by, one.run_id)
        for one in current_states(path, stage_map, key, services)
    )


def _ended(row: RunRow) -> EndedRun:
    """The next step is in the task's records, unless a later run has changed it."""
    task, step = _task_of(row), ""
    if task is not None and row.project_root:
        try:
            manifest = files.read_json(ProjectFiles(row.project_root).task(task).manifest) or {}
        except OkstraError:
            manifest = {}
        step = str(manifest.get("next_step", "")) if manifest.get("last_run") == row.run_id else ""
    return EndedRun(row.run_id, row.status, row.at, step)
