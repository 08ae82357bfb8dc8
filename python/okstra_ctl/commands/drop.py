"""Drops a task or a run that nobody wants any more: it leaves the lists, and its worktrees go.

Branches and records stay; unsaved work in the worktrees is kept by a ref. `okstra restore` brings it back.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..gc.drop import drop_run, drop_task
from ..names import RunId
from ..options import add_run_or_task
from ..output import Reply, fields
from ..quoting import okstra_command
from ..services import Call
from .restore import named


def configure(parser: ArgumentParser) -> None:
    add_run_or_task(parser, "the task, or one run of it")


def execute(args: Namespace, call: Call) -> Reply:
    what = named(args, call)
    drop = (
        drop_run(what, call.start, call.services)
        if isinstance(what, RunId)
        else drop_task(what, call.start, call.services)
    )
    back = okstra_command("restore", what)
    shown = [("dropped", drop.dropped), *(("released", run) for run in drop.released)]
    for gone in drop.removed:
        kept = f", unsaved work by {gone.kept}" if gone.kept else ""
        shown.append(("removed", f"{gone.path} (branch {gone.branch} kept{kept})"))
    shown += [*(("stays", f"{key}: {why}") for key, why in drop.stays), ("bring back", back)]
    data = {**drop._asdict(), "removed": [gone._asdict() for gone in drop.removed], "restore": back}
    return Reply(data, fields(shown))
