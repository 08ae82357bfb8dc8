"""Removes worktrees that are proven safe to remove, the oldest first; unsaved work in them is kept by a ref."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..gc.policy import parse_size
from ..gc.sweep import RemovedWorktree, collect
from ..options import add_skip_teardown
from ..output import Reply, some_of, table
from ..quarantine.refused import LeftBehind, drop_refused, left_behind
from ..services import Call
from ..system.disk_use import show_size


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--max",
        metavar="SIZE",
        default="",
        help="also remove worktrees whose branch keeps their commits, oldest first, down to this total, e.g. 20G",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="remove nothing; show verdicts and what would be removed"
    )
    add_skip_teardown(parser)
    parser.add_argument(
        "--remote",
        action="store_true",
        help="do this alone: on the git remote of claims, put tasks that are done and merged below one archive commit",
    )
    parser.add_argument(
        "--drop-quarantine",
        metavar="NAME",
        default="",
        help="remove this alone, for good: an executor's git folder, with commits that could not be taken home",
    )


def execute(args: Namespace, call: Call) -> Reply:
    if args.drop_quarantine:
        return _drop_quarantine(args.drop_quarantine, call)
    if args.remote:
        return _archive(call, dry_run=args.dry_run)
    limit = parse_size(args.max) if args.max else None
    done = collect(call.services, limit=limit, dry_run=args.dry_run, skip_teardown=args.skip_teardown)
    rows = [(str(j.verdict), show_size(j.facts.size), j.facts.key, j.proof) for j in done.decisions]
    lines = [table(rows, ("verdict", "size", "key", "because"))] if rows else ["no worktrees"]
    verb = "would remove" if args.dry_run else "removed"
    lines += [_line(verb, swept) for swept in done.removed]
    lines += [f"{verb}  {path}" for path in done.leftovers]
    left = left_behind(call.services.home)
    for one in left:
        lines.append(f"kept     {one.folder} ({show_size(one.size)}) of {one.run_id}: {one.why}")
        lines += [f"         look: {look}" for look in one.looks]
    freed = sum(swept.size for swept in done.removed if not swept.failed)
    lines.append(f"{'would free' if args.dry_run else 'freed'} {show_size(freed)}")
    data = {
        "worktrees": [{**j.facts._asdict(), "verdict": str(j.verdict), "proof": j.proof} for j in done.decisions],
        "removed": [swept._asdict() for swept in done.removed],
        "leftovers": list(done.leftovers),
        "quarantines": [_json(one) for one in left],
        "dry_run": args.dry_run,
        "freed": freed,
    }
    return Reply(data, "\n".join(lines))


def _drop_quarantine(name: str, call: Call) -> Reply:
    gone = drop_refused(call.services.home, name)
    text = f"removed  {gone.folder} ({show_size(gone.size)}) of {gone.run_id}"
    return Reply({"dropped": _json(gone)}, text)


def _json(one: LeftBehind) -> dict[str, object]:
    return {**one._asdict(), "commits": dict(one.commits), "looks": list(one.looks)}


def _line(verb: str, swept: RemovedWorktree) -> str:
    if swept.failed:
        return f"kept     {swept.key}: {swept.failed}"
    kept = f"; unsaved work kept by {swept.kept}" if swept.kept else ""
    ignored = f"; ignored files not kept: {some_of(swept.ignored)}" if swept.ignored else ""
    return f"{verb}  {swept.key} ({show_size(swept.size)}){kept}{ignored}"


def _archive(call: Call, *, dry_run: bool) -> Reply:
    from ..recovery.unindexed import tasks_of
    from ..settings.project import open_project
    from ..sharing.archiving import archive_finished

    project = open_project(call.start, call.services)
    keys = [key for key, _ in tasks_of(project.root)]
    done = archive_finished(project, keys, call.services, dry_run=dry_run)
    rows = [("archived" if one.archived else "kept", one.task_key, one.why) for one in done]
    text = (
        table(rows, ("", "task", "because")) if rows else "this machine saw none of the project's tasks on the remote"
    )
    return Reply({"tasks": [one._asdict() for one in done], "dry_run": dry_run}, text)
