"""Merges done stages into the task branch, once every exit check is green on the whole; or forecasts conflicts.

Exit 1: an exit check is red on the whole; 3: a conflict, or nothing to merge.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..names import TaskKey
from ..options import add_task_key, add_trust_flag, check_task, with_trust
from ..output import Reply, fields, table
from ..services import Call
from ..settings.project import open_project
from ..tasks.named import typed_next


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "<project-id>:<task-group>:<task-id>", required=True)
    parser.add_argument("--forecast", action="store_true", help="only tell which stages would conflict, pair by pair")
    parser.add_argument("--force", action="store_true", help="also when another machine merges; say that it is gone")
    add_trust_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    from ..stages.integrate import integrate, load_subject
    from .leading import step_progress

    call = with_trust(args, call)
    check_task(args, call)
    project, key = open_project(call.start, call.services), TaskKey.parse(args.task_key)
    if args.forecast:
        from ..stages.integrate import forecast

        pairs = forecast(load_subject(project, key, call.services), call.services)
        rows = [(_name(p.first), _name(p.second), ", ".join(p.conflicts) or "no conflict") for p in pairs]
        text = table(rows, ("", "with", "conflicts in")) if rows else "no stage in work has commits that are not merged"
        return Reply({"pairs": [pair._asdict() for pair in pairs]}, text)
    with step_progress(call) as show:
        done = integrate(project, key, call.services, show, force=args.force)
    shown = fields(
        [
            ("merged", f"{', '.join(map(str, done.merged))} into {done.branch}"),
            ("commit", done.commit),
            *((f"check of {check.stage}", f"{check.command} (exit {check.status})") for check in done.checks),
            ("log", done.log),
            ("next", typed_next(key, project.root, done.next_step, call.start, call.services)),
        ]
    )
    data = {**done._asdict(), "checks": [check._asdict() for check in done.checks]}
    return Reply(data, shown, [f"okstra: warning: {warning}" for warning in done.warnings])


def _name(stage: int) -> str:
    return f"stage {stage}" if stage else "task branch"
