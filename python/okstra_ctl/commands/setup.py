"""Registers the project: writes `.okstra/project.json`. Doing it again changes nothing.

With --moved, updates okstra's records after the project was moved to this folder.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from ..errors import Refused, UsageError
from ..output import Reply, confirm, fields
from ..services import Call
from ..settings import setup as setup_project


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--project-id", metavar="ID", help="the project's name in task keys (default: asked for)")
    parser.add_argument("--report-language", choices=("en", "ko"), default="en", help="language of reports")
    add_moved_flag(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def add_moved_flag(parser: ArgumentParser) -> None:
    text = "the project was moved here: update everything that names the old place"
    parser.add_argument("--moved", action="store_true", help=text)


def execute(args: Namespace, call: Call) -> Reply:
    if args.moved:
        return move_here(args, call)
    root = setup_project.root_for(call.start, call.services)
    project_id = args.project_id or _ask_for_id(root)
    if not args.yes:
        _confirm(f"register {root} as {project_id}?")
    done = setup_project.set_up(call.start, project_id, call.services, report_language=args.report_language)
    word = "registered" if done.created else "was registered already"
    text = fields([("project", f"{done.project_id} ({word})"), ("settings", done.config)])
    talk = [f"okstra: warning: {warning}" for warning in done.warnings]
    talk += ["next: okstra run --help, or okstra doctor"] if done.created else []
    return Reply({**done._asdict(), "warnings": list(done.warnings)}, text, talk=talk)


def move_here(args: Namespace, call: Call) -> Reply:
    from ..recovery.project_move import move, old_places
    from ..settings.project import open_project

    project = open_project(call.start, call.services)
    if args.project_id and args.project_id != project.config.project_id:
        raise UsageError("usage", "--moved keeps the project's id", where=call.start, hint="leave --project-id out")
    old = old_places(project, call.services)
    if old and not args.yes:
        _confirm(f"was {project.config.project_id} moved from {', '.join(old)} to {project.root}?")
    done = move(project, call.services)
    text = fields(
        [
            ("project", done.project_id),
            ("moved from", ", ".join(done.old)),
            ("to", done.root),
            ("mended", f"{done.worktrees} worktree(s), {done.claims} reservation(s), {done.runs} run(s) of the index"),
        ]
    )
    return Reply({**done._asdict(), "old": list(done.old)}, text if done.old else "nothing names another place")


def _ask_for_id(root: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "input-missing", "--project-id is missing", where="okstra setup", hint="okstra setup --project-id ID --yes"
        )
    sys.stderr.write(f"project id [{os.path.basename(root)}]: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() or os.path.basename(root)


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        return
    if not confirm(question, default=True):
        raise Refused("not-confirmed", "nothing was written")
