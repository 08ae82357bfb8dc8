"""Prepares the next run of a run's stage, in the same worktree; the earlier run can't finish any more."""

from __future__ import annotations

import argparse

from ...flows.runs import find_run
from ..command_table import Call
from ..prepared_reply import prepared_reply
from ..reply import Reply


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run to do over, as `okstra list` prints it")
    parser.add_argument("--render-only", action="store_true", help="prepare and print; start no lead")


def execute(args: argparse.Namespace, call: Call) -> Reply:
    from ...flows.rerun import rerun

    run = find_run(args.run, call.start, call.doors)
    return prepared_reply(rerun(run, call.doors), render_only=args.render_only)
