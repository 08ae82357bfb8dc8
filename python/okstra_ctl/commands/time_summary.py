"""How long runs took, from start to end, summed by project, task, phase or day."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from ..history.durations import Spent, Timed, summed_up, total
from ..history.listing import TimedRun, timed_runs
from ..index.run_index import EVERYTHING
from ..options import add_filters, check_task, is_of, oldest_wanted
from ..output import Reply, table
from ..services import Call
from ..usage.tokens import duration_text

_BY: dict[str, Callable[[TimedRun], str]] = {
    "project": lambda timed: timed.run.run_id.partition(":")[0],
    "task": lambda timed: timed.run.task,
    "phase": lambda timed: timed.run.task_type,
    "day": lambda timed: timed.run.at[:10],
}


def configure(parser: ArgumentParser) -> None:
    add_filters(parser, since=True)
    parser.add_argument("--by", choices=tuple(_BY), default="phase", help="what to sum up by (default: phase)")


def execute(args: Namespace, call: Call) -> Reply:
    check_task(args, call)
    oldest = oldest_wanted(args.since, call)
    runs = [
        _timed(run, args.by)
        for run in timed_runs(call.services, oldest or EVERYTHING)
        if run.run.at >= oldest and is_of(run.run, args)
    ]
    sums = summed_up(runs, call.services.clock.now())
    whole = total(sums)
    data = {"by": args.by, "sums": [_as_data(one) for one in sums], "total": _as_data(whole)}
    if not sums:
        return Reply(data, "no runs")
    text = table([_cells(one) for one in (*sums, whole)], (args.by, "runs", "time", "mean", "longest"))
    return Reply(data, text, _caveats(whole))


def _timed(run: TimedRun, by: str) -> Timed:
    row = run.run
    return Timed(_BY[by](run), row.status, run.ended, run.prepared_at, run.started_at, row.at)


def _as_data(spent: Spent) -> dict[str, object]:
    return {**spent._asdict(), "mean": spent.mean}


def _cells(spent: Spent) -> tuple[str, ...]:
    if not spent.counted:
        return spent.name, str(spent.runs), "unknown" if spent.unknown else "", "", ""
    return (
        spent.name,
        str(spent.runs),
        duration_text(spent.seconds),
        duration_text(spent.mean),
        duration_text(spent.longest),
    )


def _caveats(whole: Spent) -> list[str]:
    counts = (
        (whole.running, "still running: counted until now"),
        (whole.from_prepared, "counted since they were prepared: nobody recorded their start"),
        (whole.open, "not counted: nobody is at work on them, and they have not ended"),
        (whole.unknown, "not counted: when they began or ended is unknown"),
    )
    return [f"{count} run(s) {what}" for count, what in counts if count]
