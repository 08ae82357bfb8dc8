"""What is in work, over all projects: every run that has not ended well, the most urgent first, with its next step."""

from __future__ import annotations

import argparse

from ...core.next_steps import OPEN, next_step
from ...flows.overview import run_rows
from ..command_table import Call
from ..reply import Reply, table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", metavar="ID", default="", help="runs of this project only")
    parser.add_argument("--task-key", metavar="KEY", default="", help="runs of this task only")


def execute(args: argparse.Namespace, call: Call) -> Reply:
    order = {str(status): place for place, status in enumerate(OPEN)}
    rows = [
        row
        for row in run_rows(call.doors)
        if row.status in order
        and (not args.project or row.run_id.startswith(f"{args.project}:"))
        and (not args.task_key or row.run_id.startswith(f"{args.task_key}/"))
    ]
    rows.sort(key=lambda row: order[row.status])
    told = [(row, next_step(row.status, row.run_id, stage=row.stage is not None)) for row in rows]
    data = {"runs": [{**row._asdict(), "next": step} for row, step in told]}
    if not told:
        return Reply(data, "nothing is in work")
    cells = [(row.run_id, row.status, row.at, step) for row, step in told]
    return Reply(data, table(cells, ("run", "status", "since", "next")))
