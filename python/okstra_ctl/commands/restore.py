"""Brings a dropped task or run back into the lists; its worktrees are made again when they are needed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import UsageError
from ..gc.drop import restore, unsaved_of
from ..history.schedule import next_of_task
from ..names import RunId, TaskKey
from ..options import add_run_or_task, settle_task
from ..output import Reply, fields
from ..quoting import okstra_command
from ..runs.find import find_run
from ..services import Call
from ..tasks.catalog import require_task


def configure(parser: ArgumentParser) -> None:
    add_run_or_task(parser, "the task, or one run of it")


def execute(args: Namespace, call: Call) -> Reply:
    what = named(args, call)
    restore(what, call.services)
    key = what.task if isinstance(what, RunId) else what
    unsaved = [okstra_command("worktree", "restore", place) for place in unsaved_of(key, call.start, call.services)]
    following = next_of_task(call.start, key, call.services)
    shown = [("restored", what), *(("unsaved work", command) for command in unsaved), ("next", following)]
    return Reply({"restored": str(what), "unsaved": unsaved, "next": following}, fields(shown))


def named(args: Namespace, call: Call) -> TaskKey | RunId:
    """The task or run that the arguments name. Raises UsageError (`usage`, `task-unknown`, `not-found`)."""
    settle_task(args)
    if args.run:
        return find_run(args.run, call.start, call.services).id
    if not args.task_key:
        raise UsageError("usage", "a task or a run is needed", hint="okstra list shows them")
    return require_task(args.task_key, call.start, call.services)
