"""Tasks that reports propose: list them, create them, dismiss them. No run is started."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import UsageError
from ..options import add_common_flags, add_run_or_task, check_task, settle_task
from ..output import Reply, fields, table
from ..report.followup_rules import DISMISSED, OPEN, SPAWNED
from ..services import Call


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what reports propose, and what became of it; oldest first")
    spawn = actions.add_parser("spawn", help="make a task of a proposal: brief, records, links to where it comes from")
    dismiss = actions.add_parser("dismiss", help="record that nobody will do it")
    add_run_or_task(listing, "of this run's report, or of this task's reports, alone")
    listing.add_argument("--state", choices=(OPEN, SPAWNED, DISMISSED), default="", help="in this state alone")
    for action in (spawn, dismiss):
        action.add_argument("run", metavar="RUN", help="the run whose report proposes it")
    spawn.add_argument("--item", metavar="ID", action="append", default=[], help="e.g. FU-001; may be repeated")
    spawn.add_argument("--all", action="store_true", help="every one that is not dismissed")
    spawn.add_argument(
        "--task-id", metavar="ID", default="", help="the new task's id (default: the task's, and a number)"
    )
    spawn.add_argument("--task-group", metavar="G", default="", help="the new task's group (default: the same)")
    dismiss.add_argument("--item", metavar="ID", required=True, help="e.g. FU-001")
    dismiss.add_argument("--reason", metavar="TEXT", required=True, help="why")
    for action in (listing, spawn, dismiss):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    return {"list": _list, "spawn": _spawn, "dismiss": _dismiss}[args.action](args, call)


def _list(args: Namespace, call: Call) -> Reply:
    from ..report.followups import list_of_run, list_proposals
    from ..runs.find import find_run
    from ..settings.project import open_project

    settle_task(args)
    check_task(args, call)
    unread: list[str] = []
    if args.run:
        rows = list_of_run(find_run(args.run, call.start, call.services))
    else:
        rows, unread = list_proposals(open_project(call.start, call.services).files, task_key=args.task_key)
    kept = [row for row in rows if not args.state or row.state == args.state]
    cells = [
        (row.run_id, row.item, f"{row.state} {row.task_key}".strip(), row.task_type, row.title, row.next)
        for row in kept
    ]
    text = table(cells, ("RUN", "ITEM", "STATE", "PHASE", "TITLE", "NEXT")) if cells else "no report proposes a task"
    data = {"items": [row._asdict() for row in kept], "unread": unread}
    return Reply(data, text, [f"okstra: warning: can't be read: {path}" for path in unread])


def _spawn(args: Namespace, call: Call) -> Reply:
    from ..report.followups import TaskOptions, spawn
    from ..runs.find import find_run

    if bool(args.item) == args.all:
        hint = "--item FU-001, or --all"
        raise UsageError("input-missing", "which proposals are meant?", where="okstra followups spawn", hint=hint)
    if args.task_id and (args.all or len(args.item) > 1):
        raise UsageError("usage", "--task-id names one task", hint="spawn the items one by one, or leave it out")
    run = find_run(args.run, call.start, call.services)
    made = spawn(run, args.item, TaskOptions(args.task_id, args.task_group), call.services)
    pairs: list[tuple[str, object]] = []
    for one in made:
        pairs += [(one.item, f"{one.task_key}{'' if one.created else ' (it was there)'}"), ("brief", one.brief)]
        pairs.append(("next", one.next))
    return Reply(
        {"spawned": [one._asdict() for one in made]}, fields(pairs) or "the report proposes no task that is open"
    )


def _dismiss(args: Namespace, call: Call) -> Reply:
    from ..report.followups import dismiss
    from ..runs.find import find_run

    if not args.reason.strip():
        raise UsageError("input-missing", "--reason is empty", hint="say why nobody will do it")
    run = find_run(args.run, call.start, call.services)
    proposal = dismiss(run, args.item, args.reason, call.services)
    data = {"run_id": str(run.id), "item": proposal.id, "title": proposal.title, "state": DISMISSED}
    return Reply(data, fields([("dismissed", f"{proposal.id}  {proposal.title}")]))
