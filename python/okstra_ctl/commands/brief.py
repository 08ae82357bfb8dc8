"""A task's brief: write one with the sections that the phases need, check what is missing in one, show one."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace

from ..errors import EXIT_CHECK, CheckFailed
from ..names import CATEGORY_PREFIXES
from ..options import add_common_flags, add_task_key, text_from
from ..output import Reply, fields
from ..plan.model import Finding
from ..quoting import okstra_command
from ..services import Call
from ..settings.project import LANGUAGES
from ..status import Severity
from ..system.text import printable
from ..tasks.brief import BriefOptions, new_brief, read_brief

_BEGIN_WITH = {"bugfix": "error-analysis", "improvement": "improvement-discovery"}


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="write a brief; printed unless a place is named")
    check = actions.add_parser("check", help="what is missing, with its line")
    show = actions.add_parser("show", help="one brief; with --json by its sections")
    new.add_argument("--title", metavar="TEXT", default="", help="one line (default: the text's first heading)")
    new.add_argument("--from", dest="source", metavar="FILE", default="", help="the request as text; - for stdin")
    place = add_task_key(new, "the task: write it to its folder")
    place.add_argument("--output", metavar="FILE", default="", help="write it there")
    new.add_argument("--category", choices=tuple(CATEGORY_PREFIXES), default="", help="what kind of work it is")
    new.add_argument("--language", choices=LANGUAGES, default="", help="of the headings (default: the project's)")
    for action in (check, show):
        one = action.add_mutually_exclusive_group(required=True)
        one.add_argument("brief", metavar="BRIEF", nargs="?", default=SUPPRESS, help="a file, or the key of a task")
        one.add_argument("--task-key", dest="brief", metavar="KEY", default="", help="the task, as a flag")
    for action in (new, check, show):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    return {"new": _new, "check": _check, "show": _show}[args.action](args, call)


def _new(args: Namespace, call: Call) -> Reply:
    text = text_from(args.source) if args.source else ""
    options = BriefOptions(args.title, text, args.category, args.language, args.task_key, args.output)
    made = new_brief(options, call.start, call.services)
    task_type = _BEGIN_WITH.get(made.brief.category, "requirements-discovery")
    key = made.brief.task_key or "KEY"
    following = okstra_command("run", "--task-key", key, "--task-type", task_type, "--task-brief", made.path)
    talk = [f"a secret was removed: {kind}" for kind in made.hidden]
    data = {
        "path": made.path,
        "title": made.brief.title,
        "text": made.text,
        "findings": [finding._asdict() for finding in made.findings],
        "next": [following] if made.path else [],
        "warnings": talk,
    }
    if not made.path:
        return Reply(data, made.text, talk=talk)
    missing = [f"still to write: {_line(made.path, finding)}" for finding in made.findings]
    return Reply(data, fields([("brief", made.path), ("next", following)]), talk=[*talk, *missing])


def _check(args: Namespace, call: Call) -> Reply:
    read = read_brief(args.brief, call.start, call.services)
    lines = [_line(read.path, finding) for finding in read.findings]
    errors = [finding for finding in read.findings if finding.severity == Severity.ERROR]
    data = {"path": read.path, "findings": [finding._asdict() for finding in read.findings]}
    if not errors:
        return Reply(data, "\n".join([*lines, "ok: the brief has everything that the phases need"]))
    message = f"the brief lacks {len(errors)} thing(s) that the phases need"
    failed = CheckFailed("brief-incomplete", message, where=read.path, hint="add what the findings name")
    return Reply(data, "\n".join([*lines, message]), exit_status=EXIT_CHECK, errors=[failed.as_record()])


def _line(path: str, finding: Finding) -> str:
    return f"{path}:{finding.line}: {finding.rule} {finding.severity}: {finding.message}"


def _show(args: Namespace, call: Call) -> Reply:
    read = read_brief(args.brief, call.start, call.services)
    brief = {**read.brief._asdict(), "sections": [section._asdict() for section in read.brief.sections]}
    return Reply({"path": read.path, **brief}, printable(read.text.rstrip("\n")))
