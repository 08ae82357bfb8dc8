"""Registers the project: writes `.okstra/project.json`. Doing it again changes nothing."""

from __future__ import annotations

import os
import sys

from ...flows import setup_project
from ...words.errors import Refused, UsageError
from ...words.hints import ArgumentParser, Namespace
from ..command_table import Call
from ..confirm import confirm
from ..reply import Reply, fields


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--project-id", metavar="ID", help="the project's name in task keys (default: asked for)")
    parser.add_argument("--report-language", choices=("en", "ko"), default="en", help="language of reports")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def execute(args: Namespace, call: Call) -> Reply:
    root = setup_project.root_for(call.start, call.doors)
    project_id = args.project_id or _ask_for_id(root)
    if not args.yes:
        _confirm(root, project_id)
    done = setup_project.set_up(call.start, project_id, call.doors, report_language=args.report_language)
    word = "registered" if done.created else "was registered already"
    text = fields([("project", f"{done.project_id} ({word})"), ("settings", done.config)])
    return Reply(
        done._asdict(), text, talk=["next: okstra run --help, or okstra check-project"] if done.created else []
    )


def _ask_for_id(root: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "input-missing", "--project-id is missing", where="okstra setup", hint="okstra setup --project-id ID --yes"
        )
    sys.stderr.write(f"project id [{os.path.basename(root)}]: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() or os.path.basename(root)


def _confirm(root: str, project_id: str) -> None:
    if not sys.stdin.isatty():
        return
    if not confirm(f"register {root} as {project_id}?", default=True):
        raise Refused("not-confirmed", "nothing was written")
