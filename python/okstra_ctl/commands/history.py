"""A task's time line: its runs and their outcomes, its stages, its fix cycles, in the order of events."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..command_table import Call
from ..history.durations import duration_text
from ..history.timeline import History, PastRun, history_of
from ..names import TaskKey
from ..options import add_task_key
from ..output import Reply, table


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "the task", required=True)
    parser.add_argument("--runs", action="store_true", help="a line for each run, not for each event")


def execute(args: Namespace, call: Call) -> Reply:
    key = TaskKey.parse(args.task_key)
    found = history_of(key, call.start, call.services)
    data = {
        "task_key": str(key),
        "task_root": found.root,
        "events": [event._asdict() for event in found.events],
        "runs": [run._asdict() for run in found.runs],
        "fix_cycles": [cycle._asdict() for cycle in found.cycles],
        "damaged_lines": list(found.damaged),
    }
    talk = (
        [f"lines of the time line that can't be parsed: {', '.join(map(str, found.damaged))}"] if found.damaged else []
    )
    if not found.events:
        return Reply(data, f"nothing has happened to {key} yet", talk)
    return Reply(data, _runs(key, found) if args.runs else _events(key, found), talk)


def _events(key: TaskKey, found: History) -> str:
    cycles = {run: cycle.id for cycle in found.cycles for run in cycle.runs}
    cells = [
        (event.at, event.event, _short(key, event.run_id), cycles.get(event.run_id, ""), event.note)
        for event in found.events
    ]
    return table(cells, ("when", "event", "run", "fix cycle", "note"))


def _runs(key: TaskKey, found: History) -> str:
    cells = [
        (_short(key, run.run_id), run.outcome or "open", run.prepared_at, run.ended_at, _took(run), run.fix_cycle)
        for run in found.runs
    ]
    return table(cells, ("run", "outcome", "prepared", "ended", "took", "fix cycle"))


def _took(run: PastRun) -> str:
    return "" if run.seconds is None else duration_text(run.seconds)


def _short(key: TaskKey, run_id: str) -> str:
    return run_id.removeprefix(f"{key}/")
