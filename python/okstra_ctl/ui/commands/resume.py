"""Goes on with a run that was stopped, or whose worker failed: what is on disk and valid is not done again."""

from __future__ import annotations

from ...words.hints import ArgumentParser, Namespace
from ..command_table import Call
from ..reply import Reply


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id, as `okstra list` shows it")
    parser.add_argument("--budget", metavar="USD", default="", help="a new budget, what was spent included")


def execute(args: Namespace, call: Call) -> Reply:
    from ...flows.runs import find_run, with_budget
    from ..leading import lead

    run = find_run(args.run, call.start, call.doors)
    return lead(with_budget(run, args.budget) if args.budget else run, call)
