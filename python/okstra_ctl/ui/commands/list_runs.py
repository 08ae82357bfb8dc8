"""Lists runs over all projects, newest last."""

from __future__ import annotations

import argparse

from ...core.since import parse_since
from ...flows.overview import RunRow, run_rows
from ...words.errors import UsageError
from ...words.statuses import RunStatus
from ..command_table import Call
from ..reply import Reply, table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", metavar="ID", default="", help="runs of this project only")
    parser.add_argument("--since", metavar="WHEN", default="", help="90m, 3h, 2d, 1w, or a day like 2026-11-23")
    parser.add_argument("--task-key", metavar="KEY", default="", help="runs of this task only")
    parser.add_argument("--task-type", metavar="TYPE", default="", help="runs of this phase only")
    parser.add_argument("--status", default="", help="one of: " + ", ".join(map(str, RunStatus)))
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="the newest N only")


def execute(args: argparse.Namespace, call: Call) -> Reply:
    if args.status and args.status not in tuple(map(str, RunStatus)):
        known = ", ".join(map(str, RunStatus))
        raise UsageError("usage", f"there is no status {args.status!r}", hint=f"one of: {known}")
    oldest = _oldest(args.since, call) if args.since else ""
    rows = [row for row in run_rows(call.doors) if _wanted(row, args) and row.at >= oldest]
    rows = rows[-args.limit :] if args.limit > 0 else rows
    text = table([(row.run_id, row.status, row.at) for row in rows], ("run", "status", "since")) if rows else "no runs"
    return Reply({"runs": [row._asdict() for row in rows]}, text)


def _wanted(row: RunRow, args: argparse.Namespace) -> bool:
    return (
        (not args.project or row.run_id.startswith(f"{args.project}:"))
        and (not args.task_key or row.run_id.startswith(f"{args.task_key}/"))
        and (not args.task_type or row.task_type == args.task_type)
        and (not args.status or row.status == args.status)
    )


def _oldest(text: str, call: Call) -> str:
    since = parse_since(text)
    return since.point or call.doors.clock.before(since.seconds_ago)
