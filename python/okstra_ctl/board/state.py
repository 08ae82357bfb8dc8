"""What is in work, as the board shows it: projects, their tasks, each with its stages and its open runs."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..usage.tokens import Spent

WAITING, WRITTEN, RUNNING, STOPPED = "waiting", "written", "running", "stopped"


class WorkerView(NamedTuple):
    """A worker of an open run. `state` is `waiting` (nobody asked it yet), `written` (its result is there, and whoever
    wrote it told no event), `running`, `stopped` (its end was never told, and nobody leads the run), or how its last
    turn ended.

    `label` is what it was asked last: empty for its own result. `seconds` is how long an ended turn took.
    """

    worker: str
    role: str
    provider: str
    model: str
    state: str
    label: str = ""
    attempt: int = 0
    since: str = ""
    seconds: float | None = None
    answer: str = ""
    last_line: str = ""


class RunView(NamedTuple):
    """An open run. `spent` is what is known of its cost so far; None when nobody was asked anything yet."""

    run_id: str
    task_type: str
    stage: int | None
    status: str
    since: str
    next: str
    rehearsal: bool
    workers: tuple[WorkerView, ...]
    spent: Spent | None


class StageView(NamedTuple):
    number: int
    title: str
    depends_on: tuple[int, ...]
    status: str
    blocked_by: tuple[int, ...]
    run_id: str


class TaskView(NamedTuple):
    """`stages` is empty where there is no plan (or none that can be read)."""

    task_key: str
    stages: tuple[StageView, ...]
    runs: tuple[RunView, ...]


class ProjectView(NamedTuple):
    project_id: str
    root: str
    tasks: tuple[TaskView, ...]


class EndedRun(NamedTuple):
    """A run that ended a short while ago, and what follows on it."""

    run_id: str
    status: str
    at: str
    next: str


class Board(NamedTuple):
    """`at` is when it was read. `more` open runs are too many to show; of `unread` ones something can't be read."""

    at: str
    projects: tuple[ProjectView, ...]
    lately: tuple[EndedRun, ...] = ()
    more: int = 0
    unread: tuple[str, ...] = ()

    @property
    def tasks(self) -> list[TaskView]:
        return [task for project in self.projects for task in project.tasks]

    @property
    def runs(self) -> list[RunView]:
        return [run for task in self.tasks for run in task.runs]

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "projects": [
                {"project_id": one.project_id, "root": one.root, "tasks": [_task(task) for task in one.tasks]}
                for one in self.projects
            ],
            "lately": [one._asdict() for one in self.lately],
            "more": self.more,
            "unread": list(self.unread),
        }


def _task(task: TaskView) -> dict[str, Any]:
    stages = [
        {**stage._asdict(), "depends_on": list(stage.depends_on), "blocked_by": list(stage.blocked_by)}
        for stage in task.stages
    ]
    return {"task_key": task.task_key, "stages": stages, "runs": [_run(run) for run in task.runs]}


def _run(run: RunView) -> dict[str, Any]:
    workers = [worker._asdict() for worker in run.workers]
    return {**run._asdict(), "workers": workers, "spent": run.spent.to_json() if run.spent else None}
