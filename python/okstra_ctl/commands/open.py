"""Opens a run's HTML report, or its folder, in what $BROWSER names or the system has for it; prints where it is."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, ArgumentParser, Namespace

from ..command_table import Call
from ..output import Reply
from .opening import place_of, program


def configure(parser: ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group(required=True)
    told = "a run's id, or a task's key: its newest report"
    group.add_argument("what", metavar="RUN|TASK", nargs="?", default=SUPPRESS, help=told)
    group.add_argument("--task-key", dest="what", metavar="KEY", default="", help="the task, as a flag")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print the path, open nothing")


def execute(args: Namespace, call: Call) -> Reply:
    place = place_of(args.what, call.start, call.doors)
    asked = not args.only_print and not getattr(args, "json", False) and sys.stdout.isatty()
    argv = program(place.path, call.doors.environment) if asked else []
    if argv:
        from ..system import processes as proc

        proc.start_detached(argv)
    talk = ["there is nothing to open it with: set BROWSER"] if asked and not argv else []
    return Reply({**place._asdict(), "opened_with": argv[0] if argv else ""}, place.path, talk)
