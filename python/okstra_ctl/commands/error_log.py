"""What went wrong in runs: one row for each dispatch that did not end well, newest last."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..command_table import Call
from ..errors import UsageError
from ..history.errors import KINDS, ErrorLog, Logged, read_error_log, runs_asked_for
from ..output import Reply, table
from ..runs.find import find_run
from .run_filters import add_limit, add_run_or_task, check_task, newest, parse_since, settle_task


def configure(parser: ArgumentParser) -> None:
    add_run_or_task(parser, "of this run or task alone (default: of all runs)")
    parser.add_argument("--project", metavar="ID", default="", help="runs of this project only")
    parser.add_argument("--since", metavar="WHEN", default="", help="90m, 3h, 2d, 1w, or a day like 2026-11-23")
    parser.add_argument("--kind", metavar="KIND", default="", help="one of: " + ", ".join(KINDS))
    add_limit(parser)


def execute(args: Namespace, call: Call) -> Reply:
    settle_task(args)
    check_task(args, call)
    if args.kind and args.kind not in KINDS:
        raise UsageError("usage", f"there is no kind {args.kind!r}", hint="one of: " + ", ".join(KINDS))
    oldest = _oldest(args.since, call) if args.since else ""
    runs = (
        [find_run(args.run, call.start, call.services).files]
        if args.run
        else runs_asked_for(call.services, project=args.project, task_key=args.task_key)
    )
    log = read_error_log(runs, oldest=oldest, kind=args.kind)
    rows = newest(log.rows, args.limit)
    cells = [(row.at, row.run_id, _question(row), row.outcome, _message(row)) for row in rows]
    text = table(cells, ("AT", "RUN", "WORKER", "OUTCOME", "MESSAGE")) if cells else _nothing(args, log)
    talk = [f"okstra: warning: can't be read: {place}" for place in log.unread]
    return Reply({"errors": [row._asdict() for row in rows], "unread": list(log.unread)}, text, talk)


def _nothing(args: Namespace, log: ErrorLog) -> str:
    """Why no row is shown; "nothing went wrong" only if no row was filtered out or unreadable."""
    if log.rows:
        return f"none of {len(log.rows)} shown"
    if log.unread:
        return "nothing that can be read"
    chosen = [f"{flag} {value}" for flag, value in (("--kind", args.kind), ("--since", args.since)) if value]
    return f"nothing went wrong ({', '.join(chosen)})" if chosen else "nothing went wrong"


def _question(row: Logged) -> str:
    return f"{row.worker} {row.label}" if row.label else row.worker


def _message(row: Logged) -> str:
    """The client's own message, or else the first problem that the check of its result found."""
    return row.message or (row.problems[0] if row.problems else row.failure)


def _oldest(text: str, call: Call) -> str:
    since = parse_since(text)
    return since.point or call.services.clock.before(since.seconds_ago)
