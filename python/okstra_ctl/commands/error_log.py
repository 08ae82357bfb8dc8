"""What went wrong in runs: one row for each dispatch that did not end well, newest last."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import OkstraError, UsageError
from ..history.listing import RunRow, run_rows
from ..options import add_limit, add_run_or_task, check_task, newest, oldest_wanted, settle_task
from ..output import Reply, table
from ..paths import RunFiles
from ..runs.find import find_run
from ..services import Call, Services
from ..status import Failure, WorkerOutcome
from ..system.jsonl import read_rows

KINDS = tuple(str(word) for word in (*WorkerOutcome, *Failure) if word not in (WorkerOutcome.COMPLETED, Failure.NONE))
"""What `--kind` takes: how a dispatch ended, or why its client did not finish."""


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
    oldest = oldest_wanted(args.since, call)
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


class Logged(NamedTuple):
    """One dispatch that did not end well. What its row lacks is empty."""

    at: str
    run_id: str
    worker: str
    label: str
    attempt: int
    outcome: str
    failure: str
    message: str
    problems: tuple[str, ...]
    log: str


class ErrorLog(NamedTuple):
    """`unread` names files, or lines of them, that can't be read: `FILE` or `FILE:LINE`."""

    rows: tuple[Logged, ...]
    unread: tuple[str, ...]


def runs_asked_for(services: Services, *, project: str, task_key: str) -> list[RunFiles]:
    """The files of every run in the index that is of that project and task."""
    return [
        files for row in run_rows(services) if row.is_of(project, task_key) and (files := _files_of(row)) is not None
    ]


def read_error_log(runs: Iterable[RunFiles], *, oldest: str, kind: str) -> ErrorLog:
    """The rows of all these runs, the newest last."""
    found: list[Logged] = []
    unread: list[str] = []
    for files in runs:
        try:
            rows, damaged = read_rows(files.errors)
        except OkstraError:
            unread.append(files.errors)
            continue
        unread += [f"{files.errors}:{number}" for number in damaged]
        found += [_logged(files, row) for row in rows]
    kept = [row for row in found if row.at >= oldest and kind in ("", row.outcome, row.failure)]
    return ErrorLog(tuple(sorted(kept, key=lambda row: row.at)), tuple(unread))


def _files_of(row: RunRow) -> RunFiles | None:
    """By the manifest's path, `<run folder>/manifests/run-manifest-<type>-<seq>.json`; None for a row without one."""
    folder, name = os.path.split(row.manifest)
    seq = name.removesuffix(".json").rpartition("-")[2]
    return RunFiles(os.path.dirname(folder), row.task_type, seq) if folder and row.task_type else None


def _logged(files: RunFiles, row: dict[str, Any]) -> Logged:
    def text(name: str) -> str:
        value = row.get(name)
        return value if isinstance(value, str) else ""

    problems, attempt = row.get("problems"), row.get("attempt")
    number = attempt if isinstance(attempt, int) else 1
    return Logged(
        at=text("at"),
        run_id=text("run_id"),
        worker=text("worker"),
        label=text("label"),
        attempt=number,
        outcome=text("outcome"),
        failure=text("failure"),
        message=text("message"),
        problems=tuple(map(str, problems)) if isinstance(problems, list) else (),
        log=files.worker_log(text("worker"), text("label"), number),
    )
