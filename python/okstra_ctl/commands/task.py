"""Tasks that machines share by a git remote: bring one into this clone."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..names import TaskKey
from ..options import add_common_flags, add_task_key
from ..output import Reply, fields
from ..quoting import okstra_command
from ..services import Call
from ..settings.project import open_project


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser("fetch", help="bring a shared task: its plan, its ledger, its runs' records")
    add_task_key(fetch, "the task, <project-id>:<task-group>:<task-id>", required=True)
    fetch.add_argument(
        "--trust-digest", metavar="DIGEST", default="", help="answer for the plan of that digest: its commands may run"
    )
    add_common_flags(fetch)


def execute(args: Namespace, call: Call) -> Reply:
    from ..sharing.task_fetch import fetch_task

    key = TaskKey.parse(args.task_key)
    project = open_project(call.start, call.services)
    done = fetch_task(project, key, call.services, trust_digest=args.trust_digest)
    stages = okstra_command("stage", "list", "--plan", done.plan)
    steps = [stages]
    if not done.is_approved:
        trusted = okstra_command("task", "fetch", key, "--trust-digest", done.digest)
        steps = [okstra_command("plan", "show", done.plan), okstra_command("plan", "approve", done.plan), trusted]
    text = fields(
        [
            ("fetched", str(key)),
            ("plan", done.plan),
            ("approved there", f"by {done.approval.who or 'somebody'}, {done.approval.at}"),
            ("digest", done.digest),
            ("may run here", "yes" if done.is_approved else "no: read the plan, then approve it, or name its digest"),
            *(("records", folder) for folder in done.records),
            *(("next", step) for step in steps),
        ]
    )
    data = {**done._asdict(), "approval": done.approval._asdict(), "next": steps}
    return Reply(data, text)
