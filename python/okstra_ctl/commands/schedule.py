"""The work left in the project's open tasks, in rounds: what can be started now, what waits for what; as markdown."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Sequence

from ..errors import UsageError
from ..history.schedule import Schedule, make_schedule
from ..history.units import BEGUN, Unit, UnitStatus
from ..output import Reply
from ..services import Call
from ..status import with_marks
from ..system.text import printable


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "task_key", metavar="KEY", nargs="*", action="extend", default=SUPPRESS, help="these tasks only"
    )
    parser.add_argument(
        "--task-key", metavar="KEY", action="append", default=[], help="the same, as a flag; may be repeated"
    )
    parser.add_argument(
        "--jobs", metavar="N", default="", help="how many units are done at once (default: all that can be)"
    )


def execute(args: Namespace, call: Call) -> Reply:
    if args.jobs and (not args.jobs.isascii() or not args.jobs.isdigit() or not 1 <= int(args.jobs[:9]) <= 1000):
        raise UsageError("usage", f"invalid --jobs {args.jobs!r}: expected a number from 1 to 1000")
    made = make_schedule(call.start, args.task_key, int(args.jobs or 0), call.services)
    return Reply(_data(made), printable(_text(made)), talk=made.warnings)


def _data(made: Schedule) -> dict[str, object]:
    tasks = [
        {
            "task_key": task.key,
            "title": task.title,
            "phase": task.phase,
            "last_run": task.last_run,
            "last_at": task.last_at,
            "related": list(task.related),
            "plan": task.plan.path if task.plan else "",
        }
        for task in made.tasks
    ]
    rounds = [[{**unit._asdict(), "needs": list(unit.needs)} for unit in units] for units in made.rounds]
    clashes = [clash._asdict() for clash in made.clashes]
    return {
        "project_id": made.project_id,
        "tasks": tasks,
        "rounds": rounds,
        "clashes": clashes,
        "warnings": list(made.warnings),
    }


def _text(made: Schedule) -> str:
    if not made.tasks:
        return "no task is open"
    units = [unit for units in made.rounds for unit in units]
    count = Counter(unit.status for unit in units)
    begun = sum(count[status] for status in BEGUN.values() if status is not UnitStatus.RUNNING)
    also = f" {begun} to go on with," if begun else ""
    lines = [f"# Schedule of {made.project_id}", ""]
    lines += [
        f"{_many(len(made.tasks), 'open task')}, {_many(len(units), 'unit')} of work,"
        f" {_many(len(made.rounds), 'round')}:"
        f" {count[UnitStatus.RUNNING]} running,{also} {count[UnitStatus.READY]} to start now,"
        f" {count[UnitStatus.PERSON]} for a person to decide, {count[UnitStatus.WAITING]} waiting.",
        "",
    ]
    for number, round_units in enumerate(made.rounds, 1):
        lines += [f"## Round {number}", "", *_round(round_units), ""]
    rows = [(task.key, task.title, task.phase, task.last_at, ", ".join(task.related)) for task in made.tasks]
    lines += ["## Tasks", "", *_table(("task", "title", "phase", "last worked on", "same subject"), rows)]
    if made.clashes:
        lines += [
            "",
            "## Changed by two tasks",
            "",
            "One after the other, or the branches have to be merged by hand.",
            "",
        ]
        lines += _table(("task", "and", "files"), made.clashes)
    return "\n".join(lines)


def _round(units: Sequence[Unit]) -> list[str]:
    rows = [
        (
            unit.task_key,
            unit.name + (f": {unit.title}" if unit.title else ""),
            "" if unit.steps is None else str(unit.steps),
            with_marks(unit.status, unpublished=unit.unpublished, host=unit.host),
            f"`{unit.command}`" if unit.command else _waits_for(unit),
        )
        for unit in units
    ]
    return _table(("task", "unit", "steps", "status", "command, or what it waits for"), rows)


def _waits_for(unit: Unit) -> str:
    return ", ".join(need.removeprefix(f"{unit.task_key} ") for need in unit.needs)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells)]


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
