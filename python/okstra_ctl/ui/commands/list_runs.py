"""Lists runs over all projects, newest last."""

from __future__ import annotations

import argparse

from ...flows.overview import RunRow, run_rows
from ..command_table import Call
from ..reply import Reply, table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task-key", metavar="KEY", default="", help="runs of this task only")
    parser.add_argument("--task-type", metavar="TYPE", default="", help="runs of this phase only")
    parser.add_argument("--status", default="", help="running, reserved, interrupted, completed, released or prepared")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="the newest N only")


def execute(args: argparse.Namespace, call: Call) -> Reply:
    rows = [row for row in run_rows(call.doors) if _wanted(row, args)]
    rows = rows[-args.limit :] if args.limit > 0 else rows
    text = table([(row.run_id, row.status, row.at) for row in rows], ("run", "status", "since")) if rows else "no runs"
    return Reply({"runs": [row._asdict() for row in rows]}, text)


def _wanted(row: RunRow, args: argparse.Namespace) -> bool:
    return (
        (not args.task_key or row.run_id.startswith(f"{args.task_key}/"))
        and (not args.task_type or row.task_type == args.task_type)
        and (not args.status or row.status == args.status)
    )
