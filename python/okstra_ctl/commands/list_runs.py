"""Lists runs over all projects, newest last (at a terminal first, in local time): open ones, and those that ended in
the last weeks; with --task-key, --since or --all older ones too."""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from ..errors import UsageError
from ..history.listing import RunRow, run_rows
from ..index.run_index import EVERYTHING, has_older
from ..options import add_filters, add_limit, check_task, is_of, newest, oldest_wanted
from ..output import Reply, draws, table
from ..services import Call
from ..status import RunStatus, overtaken

_HEADER = ("run", "status", "since")


def configure(parser: ArgumentParser) -> None:
    add_filters(parser, since=True)
    parser.add_argument("--task-type", metavar="TYPE", default="", help="runs of this phase only")
    parser.add_argument("--status", default="", help="one of: " + ", ".join(map(str, RunStatus)))
    add_limit(parser)
    parser.add_argument("--all", action="store_true", help="all runs: older ones, and dropped ones")


def execute(args: Namespace, call: Call) -> Reply:
    """Python's garbage collector is off meanwhile: with many rows it would take as long as everything else."""
    _check(args)
    check_task(args, call)
    was_on = gc.isenabled()
    gc.disable()
    try:
        return _list(args, call)
    finally:
        if was_on:
            gc.enable()


def _list(args: Namespace, call: Call) -> Reply:
    oldest = oldest_wanted(args.since, call)
    back_to = oldest or (EVERYTHING if args.all or args.task_key else None)
    known = run_rows(call.services, back_to)
    rows = [
        row
        for row in known
        if row.at >= oldest
        and (not args.task_type or row.task_type == args.task_type)
        and (row.status == args.status if args.status else args.all or row.status != RunStatus.DROPPED)
    ]
    wanted = [row for row in rows if is_of(row, args)] if args.project or args.task_key else rows
    shown = newest(wanted, args.limit)
    older = back_to is None and has_older(call.services.home)
    as_json = getattr(args, "json", False)
    past = overtaken(known) if as_json else set()
    data = {"runs": [_run_json(row, past, call) for row in shown] if as_json else [], "older": older}
    talk = ["older runs are in the archive: --all, or --since"] if older and (not shown or sys.stdout.isatty()) else []
    if not shown and wanted and not as_json:
        return Reply(data, f"none of {len(wanted)} runs shown", talk)
    return Reply(data, "", talk) if as_json else _shown(shown, data, talk, call)


def _run_json(row: RunRow, past: set[str], call: Call) -> dict[str, object]:
    from ..history.next_steps import step_of  # only the JSON answer has it

    return {**row._asdict(), "next": "" if row.run_id in past else step_of(row, call.services)}


def _check(args: Namespace) -> None:
    """Raises UsageError (`usage`)."""
    if args.status and args.status not in tuple(map(str, RunStatus)):
        known = ", ".join(map(str, RunStatus))
        raise UsageError("usage", f"there is no status {args.status!r}", hint=f"one of: {known}")


def _shown(rows: Sequence[RunRow], data: dict[str, object], talk: list[str], call: Call) -> Reply:
    if not rows:
        return Reply(data, "no runs", talk)
    cells = [(row.run_id, row.status, row.at) for row in rows]
    if draws():
        from ..system.local_time import local_time
        from ..terminal import draw, screen_of

        screen = screen_of(sys.stdout, call.services.environment)
        newest_first = [(row.run_id, row.status, local_time(row.at)) for row in reversed(rows)]
        return Reply(data, "", talk, drawn=draw(newest_first, _HEADER, screen, status=1))
    return Reply(data, table(cells, _HEADER), talk)
