"""The worktrees that okstra made: list them, look one up, remove one without losing work, restore one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from ..errors import UsageError
from ..history.listing import worktree_rows
from ..names import StageKey, parse_place_key
from ..options import add_common_flags, add_skip_teardown, add_task_key
from ..output import Reply, fields, porcelain, some_of, table
from ..services import Call

_ESCAPE = r"tab-separated; \\, \t, \n and \r stand for themselves escaped"


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every worktree, with its branch and status")
    listing.add_argument("--porcelain", action="store_true", help=_ESCAPE)
    lookup = actions.add_parser("lookup", help="print only the path of one worktree")
    add_task_key(lookup, "a task key or stage key", dest="place", required=True)
    remove = actions.add_parser("remove", help="remove a worktree; its branch stays")
    add_task_key(remove, "a task key or stage key", dest="place", required=True)
    remove.add_argument(
        "--force",
        action="store_true",
        help="keep unsaved work by a ref under refs/okstra/kept/; also from a prepared run, never from a live one",
    )
    add_skip_teardown(remove)
    restore = actions.add_parser("restore", help="bring a removed worktree back, with its unsaved work")
    add_task_key(restore, "a task key or stage key", dest="place", required=True)
    for action in (listing, lookup, remove, restore):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    return {"list": _list, "lookup": _lookup, "remove": _remove, "restore": _restore}[args.action](args, call)


def _list(args: Namespace, call: Call) -> Reply:
    rows = worktree_rows(call.services)
    data = {"worktrees": [{**row._asdict(), "ports": dict(row.ports)} for row in rows]}
    states = [row.status if row.exists else f"{row.status}, folder gone" for row in rows]
    if args.porcelain:
        lines = [(row.key, state, row.branch, row.path) for row, state in zip(rows, states, strict=True)]
        return Reply(data, porcelain(lines))
    if not rows:
        return Reply(data, "no worktrees")
    with_ports = any(row.ports for row in rows)
    cells = [
        (row.key, state, row.branch, *([_ports(row.ports)] if with_ports else []), row.path)
        for row, state in zip(rows, states, strict=True)
    ]
    return Reply(data, table(cells, ("key", "status", "branch", *(["ports"] if with_ports else []), "path")))


def _ports(ports: Mapping[str, int]) -> str:
    return " ".join(f"{name}={number}" for name, number in ports.items())


def _lookup(args: Namespace, call: Call) -> Reply:
    key = parse_place_key(args.place)
    doc = call.services.registry.read()
    claim = doc.stage(key) if isinstance(key, StageKey) else doc.task(key)
    if claim is None:
        raise UsageError("not-found", f"no worktree is registered for {key}", hint="`okstra worktree list` shows them")
    data = {"key": str(key), "path": claim.path, "branch": claim.branch, "status": str(claim.status)}
    return Reply(data, claim.path)


def _remove(args: Namespace, call: Call) -> Reply:
    from ..worktrees.remove import remove_worktree
    from ..worktrees.unsaved import SavePolicy

    policy = SavePolicy(args.force, args.skip_teardown)
    removed = remove_worktree(parse_place_key(args.place), call.services, policy=policy, evict=args.force)
    text = fields(
        [
            ("removed", removed.path),
            ("branch kept", removed.branch),
            ("work kept", removed.kept),
            ("ignored, not kept", some_of(removed.ignored)),
        ]
    )
    return Reply(removed._asdict(), text)


def _restore(args: Namespace, call: Call) -> Reply:
    from ..settings.project import open_project
    from ..worktrees.restore import restore_worktree

    back = restore_worktree(parse_place_key(args.place), open_project(call.start, call.services), call.services)
    text = fields([("restored", back.path), ("branch", back.branch), ("unsaved work from", back.kept)])
    return Reply(back._asdict(), text)
