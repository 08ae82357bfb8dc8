"""What is in progress, over all projects: every run that has not ended well, most urgent first, with its next step; and
plans that wait for a person's approval."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..history.listing import RunRow, dropped_rows, rows_elsewhere, run_rows
from ..history.next_steps import limited_until, plans_to_approve, step_of, with_limit
from ..history.units import UnitStatus
from ..index.run_index import EVERYTHING
from ..names import TaskKey
from ..options import add_filters, check_task, is_of
from ..output import Reply, draws, table
from ..quoting import okstra_command
from ..services import Call
from ..status import OPEN, overtaken, with_marks
from ..tasks.named import typed_next


def configure(parser: ArgumentParser) -> None:
    add_filters(parser, since=False)
    parser.add_argument("--all", action="store_true", help="dropped tasks and runs too, each with its way back")


def execute(args: Namespace, call: Call) -> Reply:
    check_task(args, call)
    order = {str(status): place for place, status in enumerate(OPEN)}
    known = [*run_rows(call.services, EVERYTHING if args.all else None), *rows_elsewhere(call.services)]
    past = overtaken(known)
    rows = [row for row in known if row.status in order and row.run_id not in past and is_of(row, args)]
    rows.sort(key=lambda row: order[row.status])
    rows += [row for row in dropped_rows(known, call.services) if is_of(row, args)] if args.all else []
    known_steps = [(row, step_of(row, call.services), limited_until(row, call.services)) for row in rows]
    runs = [{**row._asdict(), "next": step, "limited_until": until} for row, step, until in known_steps]
    plans = [(row, path) for row, path in plans_to_approve(known, call.services) if is_of(row, args)]
    data = {"runs": runs, "plans": [_plan_row(row, path) for row, path in plans]}
    stepped = [(row, with_limit(step, until)) for row, step, until in known_steps]
    stepped += [(row._replace(status=str(UnitStatus.PERSON)), _approval(row, path, call)) for row, path in plans]
    if not stepped:
        return Reply(data, "nothing is in work")
    if draws():
        from ..system.local_time import local_time
        from ..terminal import draw, screen_of

        screen = screen_of(sys.stdout, call.services.environment)
        cells = [(row.run_id, _marked(row), local_time(row.at)) for row, _ in stepped]
        steps = [step for _, step in stepped]
        return Reply(data, "", drawn=draw(cells, ("run", "status", "since"), screen, below=steps, status=1))
    full = [(row.run_id, _marked(row), row.at, step) for row, step in stepped]
    return Reply(data, table(full, ("run", "status", "since", "next")))


def _marked(row: RunRow) -> str:
    return with_marks(row.status, unpublished=row.unpublished, host=row.host)


def _plan_row(row: RunRow, path: str) -> dict[str, str]:
    return {"task_key": row.task, "plan": path, "since": row.at, "next": okstra_command("plan", "approve", path)}


def _approval(row: RunRow, path: str, call: Call) -> str:
    step = okstra_command("plan", "approve", path)
    return typed_next(TaskKey.parse(row.task), row.project_root, step, call.start, call.services)
