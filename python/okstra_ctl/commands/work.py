"""Works on a task's plan until it is done: takes a ready stage, leads it, merges what waits, and begins again.

Any number of these may work on one plan. A worker that was killed goes on with its own stage when it is started again
under the same job's name. A stage that fails a gate stays with its run; the worker goes on with the others.

Exit 0: all is done (with `--until idle`: or others are at work); 1: a gate is shut; 3: no stage is ready, and nobody
is at work.
"""

from __future__ import annotations

import os
import threading
from argparse import SUPPRESS, ArgumentParser, Namespace

from ..errors import UsageError
from ..names import TaskKey
from ..options import (
    add_sandbox_flag,
    add_task_key,
    add_trust_flag,
    check_task,
    sandbox_flag,
    with_sandbox,
    with_trust,
    words_in,
)
from ..output import Reply, fields
from ..quoting import okstra_command
from ..services import Call
from ..settings.project import open_project
from ..settings.trust import TRUST_VARIABLE


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "the task whose plan is worked on", required=True)
    parser.add_argument("--jobs", metavar="N", type=int, default=1, help="stages at once (default 1)")
    parser.add_argument(
        "--until", choices=("done", "idle"), default="done", help="idle: end as soon as no stage is ready"
    )
    parser.add_argument(
        "--job",
        metavar="NAME",
        default="",
        help="whose stages these are, when started again (default: the host's name)",
    )
    parser.add_argument("--stage", metavar="N", type=int, default=0, help="this stage only; merge nothing")
    parser.add_argument("--leash", metavar="FD", type=int, default=-1, help=SUPPRESS)
    parser.add_argument(
        "--with", metavar="FLAGS", dest="common", default="", help="flags that every run gets in addition"
    )
    add_trust_flag(parser)
    add_sandbox_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    from ..fleet.work import Order, Worker, require_fit
    from ..system.signals import stopped_by_signals
    from .leading import print_progress

    if args.jobs < 1 or args.stage < 0:
        raise UsageError(
            "usage", f"invalid --jobs {args.jobs} or --stage {args.stage}: expected a whole number, 1 or more"
        )
    call = with_sandbox(args, with_trust(args, call))
    check_task(args, call)
    project, key = open_project(call.start, call.services), TaskKey.parse(args.task_key)
    trusting = ["--trust"] if call.services.environment.get(TRUST_VARIABLE) == "1" else []
    order = Order(
        key,
        args.job or os.uname().nodename,
        args.jobs,
        args.until,
        tuple(words_in("--with", args.common)),
        ("--project-root", project.root, *trusting, *sandbox_flag(call)),
        args.stage,
    )
    stop = threading.Event()
    if args.leash >= 0:
        from ..fleet.leash import hold

        hold(args.leash, stop)
    require_fit(call.services, project.root)
    with stopped_by_signals(stop):
        done = Worker(project, order, call.services, stop, print_progress).work()
    following = okstra_command("run", "--task-key", key, "--task-type", "final-verification")
    steps = [following] if done.all_done else [okstra_command("status")]
    data = {
        "job": order.job,
        "stages": [one._asdict() for one in done.stages],
        "commits": list(done.commits),
        "all_done": done.all_done,
        "unavailable": 0,
        "next": steps,
    }
    shown = [(f"stage {one.stage}", f"{one.said}  {one.run_id}") for one in done.stages]
    left = [] if done.all_done else [("left", "others are at work")]
    merged = [("merged", done.commits[-1])] if done.commits else []
    return Reply(data, fields([*shown, *merged, *left, ("next", steps[0])]))
