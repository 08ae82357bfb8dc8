"""Waits until a run's results (or its report) are there and valid; prints one JSON line for each change.

Exit 0: all there and valid; 1: a worker is gone, or the timeout was reached.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..errors import UsageError, WorkFailed
from ..output import Reply
from ..quoting import okstra_command
from ..services import Call
from ..system.text import dumps

_DAY = 86400.0


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id")
    parser.add_argument("--for", dest="what", choices=("results", "report"), default="results", help="what to await")
    parser.add_argument("--timeout", metavar="S", default="", help="seconds to wait at most (default: a day)")


def execute(args: Namespace, call: Call) -> Reply:
    from ..lead.wait import watch
    from ..runs.find import find_run

    run = find_run(args.run, call.start, call.services)
    last: dict[str, object] = {}
    for row in watch(run, args.what, _seconds(args.timeout)):
        last = row
        if not getattr(args, "json", False):
            sys.stdout.write(dumps(row) + "\n")
            sys.stdout.flush()
    if last["ended"] != "ready":
        hint = okstra_command("show", run.id)
        raise WorkFailed("wait-over", f"{run.id}: {last['ended']}", where=run.files.dir, hint=hint, data=last)
    return Reply(last, "")


def _seconds(text: str) -> float:
    if not text:
        return _DAY
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 30 * _DAY:
        raise UsageError("usage", f"invalid --timeout {text!r}: expected a number of seconds, 30 days at most")
    return value
