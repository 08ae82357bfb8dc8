"""Tokens and cost of a run, of a task's runs, or of all runs by task; what is not known is shown as unknown."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from ..errors import UsageError
from ..history.usage import RunUsage, WorkerUsage, by_model, by_task, prices_now, runs_since, usage_of_run
from ..names import REHEARSAL
from ..options import add_run_or_task, check_task, oldest_wanted, settle_task
from ..output import Reply, table
from ..runs.find import find_run
from ..services import Call
from ..usage.tokens import PRICE, Spent, cost_text, count_text, total

_LABELS = {"unknown": "unknown", "at_least": "at least"}
_COUNTS = ("input", "output", "cached", "cache_written")
_AMOUNTS = ("INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "COST")
_SINCE = "30d"


def configure(parser: ArgumentParser) -> None:
    add_run_or_task(parser, "one run, or every run of a task, worker by worker (default: all, summed by task)")
    parser.add_argument("--project", metavar="ID", default="", help="runs of this project only")
    parser.add_argument(
        "--since", metavar="WHEN", default="", help=f"90m, 3h, 2d, 1w, or a day like 2026-11-23 (all tasks: {_SINCE})"
    )


def execute(args: Namespace, call: Call) -> Reply:
    settle_task(args)
    if args.run and (args.task_key or args.project or args.since):
        raise UsageError("usage", "RUN is one run; --task-key, --project and --since choose among many")
    check_task(args, call)
    prices = prices_now(call.services)
    unread: list[str] = []
    if args.run:
        found = [find_run(args.run, call.start, call.services)]
    else:
        oldest = oldest_wanted(args.since or ("" if args.task_key else _SINCE), call)
        found, unread = runs_since(call.services, oldest, project=args.project, task_key=args.task_key)
    runs = [usage_of_run(run, call.services, prices) for run in found]
    asked = [run for run in runs if run.workers]
    text = _by_worker(asked) if args.run or args.task_key else _by_task(asked)
    return Reply({**_data(runs), "unread": unread}, text, [*_notes(asked), *_warnings(unread)])


def _data(runs: Sequence[RunUsage]) -> dict[str, object]:
    return {
        "runs": [
            {
                "run_id": run.run_id,
                "task_key": run.task_key,
                "rehearsal": run.rehearsal,
                "workers": [_worker(worker) for worker in run.workers],
                "total": run.total.to_json(),
            }
            for run in runs
        ],
        "tasks": [
            {"task_key": key, "runs": len(mine), "total": total(run.total for run in mine).to_json()}
            for key, mine in by_task(runs).items()
        ],
        "models": [{"model": model, **spent.to_json()} for model, spent in by_model(runs)],
        "total": total(run.total for run in runs).to_json(),
    }


def _worker(worker: WorkerUsage) -> dict[str, object]:
    return {
        "worker": worker.worker,
        "role": worker.role,
        "provider": worker.provider,
        "model_asked": worker.asked,
        "models": list(worker.models),
        "rehearsal": worker.rehearsal,
        **worker.spent.to_json(),
    }


def _by_worker(runs: Sequence[RunUsage]) -> str:
    if not runs:
        return "nobody was asked anything"
    rows = [
        (
            run.run_id,
            worker.worker,
            worker.role,
            worker.provider,
            _model(worker),
            *_amounts(worker.spent, rehearsal=worker.rehearsal),
            ", ".join(sorted(worker.spent.sources)),
        )
        for run in runs
        for worker in run.workers
    ]
    header = ("RUN", "WORKER", "ROLE", "PROVIDER", "MODEL", *_AMOUNTS, "FROM")
    first = 1 if len(runs) == 1 else 0  # one run needs no column for its name
    lines = [row[first:] for row in rows]
    lines.append(("total", *[""] * (4 - first), *_total(runs), ""))
    return f"{table(lines, header[first:])}\n\n{_models(runs)}"


def _by_task(runs: Sequence[RunUsage]) -> str:
    if not runs:
        return "nobody was asked anything"
    rows = [
        (
            key,
            str(len(mine)),
            *_total(mine),
        )
        for key, mine in by_task(runs).items()
    ]
    rows.append(("total", str(len(runs)), *_total(runs)))
    return f"{table(rows, ('TASK', 'RUNS', *_AMOUNTS))}\n\n{_models(runs)}"


def _models(runs: Sequence[RunUsage]) -> str:
    rows = [(model or "unknown", *_amounts(spent, rehearsal=model == REHEARSAL)) for model, spent in by_model(runs)]
    return table(rows, ("MODEL", *_AMOUNTS))


def _total(runs: Sequence[RunUsage]) -> tuple[str, ...]:
    return _amounts(total(run.total for run in runs), rehearsal=all(run.rehearsal for run in runs))


def _model(worker: WorkerUsage) -> str:
    return ", ".join(worker.models) or (f"{worker.asked} (asked for)" if worker.asked else "unknown")


def _amounts(spent: Spent, *, rehearsal: bool = False) -> tuple[str, ...]:
    row = spent.to_json()
    counts = tuple(count_text(row, name, _LABELS) for name in _COUNTS)
    return (*counts, "rehearsal" if rehearsal else cost_text(row, _LABELS))


def _notes(runs: Sequence[RunUsage]) -> list[str]:
    notes = []
    if any(worker.rehearsal for run in runs for worker in run.workers):
        notes.append("okstra: a rehearsal asks no model: its counts are the script's, and it costs nothing")
    if any(PRICE in worker.spent.sources for run in runs for worker in run.workers):
        notes.append("okstra: costs from `price` are by list price, an estimate: docs/how-to/cost.md")
    return notes


def _warnings(unread: Sequence[str]) -> list[str]:
    return [f"okstra: warning: the manifest of {run} can't be read" for run in unread]
