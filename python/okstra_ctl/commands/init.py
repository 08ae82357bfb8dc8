"""Sets up this repository: registers it, and proposes how it is tested and set up from the files that it has.

Asks once before it writes; what it proposes is trusted then, and can be changed with `okstra config set --project`.
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace

from .. import git
from ..errors import Refused
from ..names import ACP, slugify_task_segment
from ..output import Reply, confirm, fields
from ..paths import ProjectFiles
from ..quoting import quote
from ..services import Call
from ..settings import config as settings
from ..settings import detect
from ..settings import setup as setup_project
from ..system import assets, files
from .setup import add_moved_flag, move_here

AGENTS = ("claude", "codex", "gemini")
_TRY = 'okstra run "what is wanted, in a sentence"'


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--project-id", metavar="ID", default="", help="its name in task keys (default: the folder's)")
    parser.add_argument("--report-language", choices=("en", "ko"), default="en", help="language of reports")
    add_moved_flag(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def execute(args: Namespace, call: Call) -> Reply:
    if args.moved:
        return move_here(args, call)
    root = setup_project.root_for(call.start, call.services)
    before = files.read_json(ProjectFiles(root).config) or {}
    project_id = args.project_id or str(before.get("projectId") or slugify_task_segment(os.path.basename(root)))
    proposed = {
        name: value
        for name, value in detect.propose(detect.look(root))._asdict().items()
        if value and not before.get(name)
    }
    agents = _agents_here(call)
    shown = [("project", f"{project_id}, in {root}"), *((name, ", ".join(value)) for name, value in proposed.items())]
    shown += [("agents", ", ".join(agents) or "none is on the PATH: okstra doctor says what is missing")]
    if not args.yes and sys.stdin.isatty():
        sys.stderr.write(fields(shown) + "\n")
        if not confirm("write this to .okstra/project.json?", default=True):
            raise Refused("not-confirmed", "nothing was written")
    done = setup_project.set_up(root, project_id, call.services, report_language=args.report_language)
    file = settings.of_project(root, call.services)
    for name, value in proposed.items():
        settings.set_value(file, name, value, call.services, if_empty=True)
    warnings = [*done.warnings, *_dirty(root)]
    data = {**done._asdict(), "settings": proposed, "agents": agents, "warnings": warnings, "next": [_TRY]}
    talk = [f"okstra: warning: {warning}" for warning in warnings]
    return Reply(data, fields([*shown, ("settings", done.config), ("next", _TRY)]), talk=talk)


def _agents_here(call: Call) -> list[str]:
    """okstra's own clients, and the agents of the Agent Client Protocol, on the PATH."""
    path = call.services.environment.get("PATH")
    table = assets.toml("prompts", "agents.toml")
    programs = {f"{ACP}{name}": given["argv"][0] for name, given in table.items() if isinstance(given, dict)}
    others = [name for name, program in programs.items() if program not in AGENTS and shutil.which(program, path=path)]
    return [*(name for name in AGENTS if shutil.which(name, path=path)), *others]


def _dirty(root: str) -> list[str]:
    """A warning about what is not committed: a task's worktree begins at a commit."""
    if git.discover(root) is None:
        return []
    dirty = [name for name in git.dirty_files(root) if not name.startswith(".okstra/")]
    if not dirty:
        return []
    return [f"{len(dirty)} file(s) are not committed, so no task sees them: git -C {quote(root)} status"]
