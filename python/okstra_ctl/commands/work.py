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
from functools import partial
from typing import TYPE_CHECKING

from ..command_table import find
from ..errors import UsageError
from ..names import IMPLEMENTATION, TaskKey, check_job
from ..options import (
    add_sandbox_flag,
    add_task_key,
    add_trust_flag,
    build_parser,
    check_task,
    sandbox_flag,
    with_sandbox,
    with_trust,
    words_in,
)
from ..output import Reply, fields
from ..quoting import okstra_command
from ..runs.request import PrepareInputs
from ..services import Call
from ..settings.project import Project, open_project
from ..settings.trust import TRUST_VARIABLE
from ..sharing.joining import JOB_VARIABLE, is_shared

if TYPE_CHECKING:
    from ..fleet.work import Order


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
    parser.add_argument("--stage", metavar="N", type=int, default=0, help="this stage only, and what it waits for")
    parser.add_argument("--leash", metavar="FD", type=int, default=-1, help=SUPPRESS)
    parser.add_argument(
        "--with", metavar="FLAGS", dest="common", default="", help="flags that every run gets in addition"
    )
    add_trust_flag(parser)
    add_sandbox_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    from ..fleet.work import Order, Worker, require_fit
    from ..prepare.request import ensure_merge_place
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
    job = check_job(args.job) if args.job else _own_name(project, call)
    call = call._replace(services=call.services._replace(environment={**call.services.environment, JOB_VARIABLE: job}))
    order = Order(
        key,
        job,
        args.jobs,
        args.until,
        tuple(words_in("--with", args.common)),
        ("--project-root", project.root, *trusting, *sandbox_flag(call)),
        args.stage,
    )
    stop = threading.Event()
    if args.leash >= 0:
        from ..fleet.work import hold_leash

        hold_leash(args.leash, stop)
    else:
        require_fit(call.services, project.root)  # a node was asked when it began to serve
    with stopped_by_signals(stop):
        inputs = _inputs(order, call)
        place = partial(ensure_merge_place, key, inputs, call.services)
        done = Worker(project, order, call.services, stop, print_progress, place).work()
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


def _inputs(order: Order, call: Call) -> PrepareInputs:
    """Those of the runs that are led. Raises UsageError."""
    from .run_inputs import gather

    command = find("run")
    assert command is not None
    parser, _ = build_parser(command)
    words = ["--task-key", str(order.key), "--task-type", IMPLEMENTATION, *order.words, *order.common]
    return gather(parser.parse_args(words), call)


def _own_name(project: Project, call: Call) -> str:
    """The host's name; where other machines have a say, with the machine's id: several may have one name, and the same
    job takes a stage over at once."""
    host = os.uname().nodename
    if not is_shared(project.root, call.services):
        return host
    from ..remote.machine import machine_id

    return f"{host}-{machine_id(call.services.home)[:12]}"
