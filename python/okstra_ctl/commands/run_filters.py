"""The filters that commands over many runs share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from ..command_table import Call
from ..errors import UsageError
from ..history.listing import RunRow
from ..options import add_task_key

_DIGITS = frozenset("0123456789")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_DAY = "0000-00-00"
_POINTS = (_DAY, *(f"{_DAY}T{time}{zone}" for time in ("00:00", "00:00:00") for zone in ("", "Z")))  # a 0 is any digit


class Since(NamedTuple):
    """Either a point in time, as okstra writes them, or so many seconds ago."""

    point: str
    seconds_ago: int


def parse_since(text: str) -> Since:
    """Raises UsageError (`usage`)."""
    if "".join("0" if char in _DIGITS else char for char in text) in _POINTS:
        return Since(text.removesuffix("Z"), 0)
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not 1 <= len(number) <= 6 or not _DIGITS.issuperset(number):
        raise UsageError("usage", f"invalid --since {text!r}: expected 90m, 3h, 2d, 1w, or a day like 2026-11-23")
    return Since("", int(number) * _SECONDS[unit])


Row = TypeVar("Row")


def add_filters(parser: ArgumentParser, *, since: bool) -> None:
    """`--project` and `--task-key`, and `--since` where it is asked for."""
    parser.add_argument("--project", metavar="ID", default="", help="runs of this project only")
    add_task_key(parser, "runs of this task only")
    if since:
        parser.add_argument("--since", metavar="WHEN", default="", help="90m, 3h, 2d, 1w, or a day like 2026-11-23")


def add_limit(parser: ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, metavar="N", help="the newest N only")


def newest(rows: Sequence[Row], limit: int | None) -> Sequence[Row]:
    """The last `limit` rows; all without a limit. Raises UsageError (`usage`) for a negative one."""
    if limit is None:
        return rows
    if limit < 0:
        raise UsageError("usage", f"invalid --limit {limit}: expected a number of rows, e.g. --limit 20")
    return rows[max(0, len(rows) - limit) :]


def check_task(args: Namespace, call: Call) -> None:
    """A key that is no task's is an error, not an empty list. Raises UsageError (`task-unknown`, `bad-identity`)."""
    if args.task_key:
        from ..tasks.catalog import require_task

        require_task(args.task_key, call.start, call.services)


def add_run_or_task(parser: ArgumentParser, help: str) -> None:
    """One run, or a task as `KEY` or `--task-key KEY`; see `settle_task`."""
    parser.add_argument("run", metavar="RUN|TASK", nargs="?", default="", help=help)
    parser.add_argument("--task-key", metavar="KEY", default="", help="runs of this task only")


def settle_task(args: Namespace) -> None:
    """A task's key where a run may stand is what `--task-key` says. Raises UsageError (`usage`) for two tasks."""
    if not args.run or "/" in args.run:
        return
    if args.task_key:
        raise UsageError("usage", f"{args.run} and --task-key {args.task_key} both name a task", hint="name one")
    args.run, args.task_key = "", args.run


def is_of(row: RunRow, args: Namespace) -> bool:
    """Whether the run is of the project and of the task that were asked for."""
    return row.is_of(args.project, args.task_key)


def oldest_wanted(args: Namespace, call: Call) -> str:
    """The time from which on runs are wanted; empty for all. Raises UsageError (`usage`)."""
    if not args.since:
        return ""
    since = parse_since(args.since)
    return since.point or call.services.clock.before(since.seconds_ago)
