"""What is in work, as the board shows it: projects, their tasks, each with its stages and its open runs.

Of a running worker the last message in its log is shown, as one line of harmless text. Clients print anything: progress
that overwrites itself, colours, streams of JSON. The line has no control characters, and of a stream's event only its
text or command.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from ..history.durations import seconds_between
from ..status import OPEN, Listed, RunStatus, overtaken
from ..system.text import loads
from ..usage.tokens import Spent, duration_text

LONGEST = 400
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]", re.DOTALL
)
_WORDS = ("text", "thinking", "result", "content", "command", "summary", "error", "message", "output")
_TOOL_FACTS = ("command", "file_path", "path", "pattern", "query", "description", "url")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_DEPTH = 6
WAITING, WRITTEN, RUNNING, STOPPED = "waiting", "written", "running", "stopped"
MOST_RUNS, MOST_ENDED = 60, 8
_ORDER = {str(status): place for place, status in enumerate(dict.fromkeys((RunStatus.RUNNING, *OPEN)))}
_ENDED = (str(RunStatus.COMPLETED), str(RunStatus.RELEASED))


class WorkerView(NamedTuple):
    """A worker of an open run. `state` is `waiting` (not dispatched yet), `written` (its result is there, without an
    event), `running`, `stopped` (no end is recorded, and nobody leads the run), or how its last turn ended.

    `label` names its last turn: empty for its own result. `seconds` is how long an ended turn took. `cost_usd` is what
    is known of the cost of its turns that have ended; None where nothing is, and for a rehearsal, which has none.
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
    cost_usd: float | None = None
    stalled_since: str = ""
    """When a running one was reported as stalled; empty while it is at work."""
    again_at: str = ""
    """When its provider takes more, after a turn that ended by its quota; empty where that is not known."""


class RunView(NamedTuple):
    """An open run. `spent` is what is known of its cost so far; None before the first dispatch."""

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
    """A run that ended a short while ago, and the next command."""

    run_id: str
    status: str
    at: str
    next: str


class Board(NamedTuple):
    """`at` is when it was read. `more` counts open runs that are not shown; `unread` names runs that can't be read."""

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

    def with_times(self, shown: Callable[[str], str]) -> Board:
        """The board for people, with its workers' times as `shown` gives them."""
        return self._replace(projects=tuple(_with_times(project, shown) for project in self.projects))

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


def _with_times(project: ProjectView, shown: Callable[[str], str]) -> ProjectView:
    def of_run(run: RunView) -> RunView:
        workers = [
            one._replace(stalled_since=shown(one.stalled_since), again_at=shown(one.again_at)) for one in run.workers
        ]
        return run._replace(workers=tuple(workers))

    tasks = [task._replace(runs=tuple(map(of_run, task.runs))) for task in project.tasks]
    return project._replace(tasks=tuple(tasks))


def _task(task: TaskView) -> dict[str, Any]:
    stages = [
        {**stage._asdict(), "depends_on": list(stage.depends_on), "blocked_by": list(stage.blocked_by)}
        for stage in task.stages
    ]
    return {"task_key": task.task_key, "stages": stages, "runs": [_run(run) for run in task.runs]}


def _run(run: RunView) -> dict[str, Any]:
    workers = [worker._asdict() for worker in run.workers]
    return {**run._asdict(), "workers": workers, "spent": run.spent.to_json() if run.spent else None}


class Dated(Listed, Protocol):
    """A row of a list of runs, with the time of its last event."""

    @property
    def at(self) -> str: ...


Row = TypeVar("Row", bound=Dated)


def urgency(status: str) -> int:
    """Running runs come first, because people watch them; then the order of `okstra status`."""
    return _ORDER.get(status, len(_ORDER))


def choose(rows: Iterable[Row], ended_since: str) -> tuple[list[Row], int, list[Row]]:
    """The open runs to show, how many more there are, and those that ended since then, the newest first.

    `rows` come oldest first. What was dropped, or overtaken by a later run of its phase and stage, is left out.
    """
    rows = list(rows)
    past = overtaken(rows)
    found = [row for row in reversed(rows) if row.status in _ORDER and row.run_id not in past]
    found.sort(key=lambda row: urgency(row.status))
    ended = [row for row in reversed(rows) if row.status in _ENDED and row.at >= ended_since]
    return found[:MOST_RUNS], max(0, len(found) - MOST_RUNS), ended[:MOST_ENDED]


Event = Mapping[str, Any]


def workers_of(
    roster: object, events: Sequence[Event], status: str, written: Collection[str] = ()
) -> tuple[WorkerView, ...]:
    """The workers in the roster's order. `status` is the run's; `written` names those whose own result is on disk."""
    turns = _last_turns(events)
    rows = [row for row in roster if isinstance(row, Mapping)] if isinstance(roster, list) else []
    return tuple(_worker(row, turns.get(str(row.get("id")), []), status, written) for row in rows)


def _last_turns(events: Sequence[Event]) -> dict[str, list[Event]]:
    """By worker: the event that began its last turn, and the one that ended it, if it has ended; until then, the one
    that reported it as stalled or at work again."""
    turns: dict[str, list[Event]] = {}
    for row in events:
        worker, event = str(row.get("worker")), row.get("event")
        if event == "dispatched":
            turns[worker] = [row]
        elif worker in turns:
            ended = turns[worker][-1].get("event") == "ended"
            if event == "ended" or (event in ("stalled", "active") and not ended):
                turns[worker] = [turns[worker][0], row]
    return turns


def _worker(row: Mapping[str, Any], turn: list[Event], status: str, written: Collection[str]) -> WorkerView:
    def text(name: str) -> str:
        return str(row.get(name) or "")

    view = WorkerView(text("id"), text("role"), text("provider"), text("model"), WAITING)
    if not turn:
        return view._replace(state=WRITTEN) if view.worker in written else view
    begun, last = turn[0], turn[-1]
    view = view._replace(
        label=str(begun.get("label") or ""), attempt=_count(begun.get("attempt")), since=str(last.get("at") or "")
    )
    if last.get("event") != "ended":
        view = view._replace(since=str(begun.get("at") or ""))
        stalled = str(last.get("at") or "") if last.get("event") == "stalled" else ""
        running = status == RunStatus.RUNNING
        return view._replace(state=RUNNING if running else STOPPED, stalled_since=stalled if running else "")
    seconds = last.get("seconds")
    return view._replace(
        state=str(last.get("outcome") or ""),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        answer=str(last.get("state") or ""),
        again_at=str(last.get("again_at") or ""),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def time_taken(worker: WorkerView, now: str) -> str:
    """How long the worker's last turn took, or takes so far; empty if unknown."""
    if worker.seconds is not None:
        return duration_text(round(worker.seconds))
    return age(worker.since, now) if worker.state == RUNNING else ""


def age(since: str, now: str) -> str:
    seconds = seconds_between(since, now)
    return "" if seconds is None else duration_text(seconds)


def last_line(text: str) -> str:
    """The last line with any content; empty when there is none. The text is the end of a log."""
    for line in reversed(re.split(r"[\r\n]+", text)):
        shown = _plain(_text_of(_SEQUENCE.sub("", line).strip()))
        if shown:
            return shown
    return ""


def _text_of(line: str) -> str:
    """The line; of a JSON object, its text or command."""
    if not line.startswith("{"):
        return line
    try:
        event = loads(line)
    except (ValueError, RecursionError):
        return line
    return _of_event(event, _DEPTH) if isinstance(event, dict) else line


def _of_event(value: object, depth: int) -> str:
    if isinstance(value, str):
        return value
    if not depth:
        return ""
    if isinstance(value, list):
        return next((said for one in reversed(value) if (said := _of_event(one, depth - 1))), "")
    if not isinstance(value, Mapping):
        return ""
    if isinstance(value.get("name"), str) and isinstance(value.get("input"), Mapping):
        return _tool(value["name"], value["input"])
    if isinstance(value.get("item"), Mapping):
        return _of_event(value["item"], depth - 1)
    return next((said for name in _WORDS if (said := _of_event(value.get(name), depth - 1))), "")


def _tool(name: str, given: Mapping[str, Any]) -> str:
    fact = next((str(given[key]) for key in _TOOL_FACTS if isinstance(given.get(key), str)), "")
    return f"{name}: {fact}" if fact else name


def _plain(text: str) -> str:
    """On one line, cut, and without control characters."""
    text = " ".join(_SEQUENCE.sub("", text[: LONGEST * 8]).split())
    if not text.isprintable():
        text = "".join(char for char in text if unicodedata.category(char) not in _UNSEEN)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\u2026"
