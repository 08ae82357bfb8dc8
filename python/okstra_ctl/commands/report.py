"""Reports: regenerate their pages from the data, check whether they are up to date, find them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import EXIT_CHECK, EXIT_OK
from ..options import add_common_flags, add_task_key, check_task
from ..output import Reply, fields, table
from ..quoting import okstra_command
from ..services import Call


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    render = actions.add_parser("render", help="regenerate the markdown and the HTML page from the report's data")
    views = actions.add_parser("views", help="where a report's pages are, and whether they match its data")
    find = actions.add_parser("find", help="list the project's reports, the newest first")
    for action in (render, views):
        action.add_argument("run", metavar="RUN", help="the run's id")
    add_task_key(find, "of this task alone")
    find.add_argument("--type", metavar="T", default="", help="of this task type alone")
    for action in (render, views, find):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    return {"render": _render, "views": _views, "find": _find}[args.action](args, call)


def _render(args: Namespace, call: Call) -> Reply:
    from ..history.standing import try_now
    from ..report.store import render
    from ..runs.find import find_run

    run = find_run(args.run, call.start, call.services)
    rendered = render(run, call.services, try_now(run, call.services))
    data = {
        "run_id": str(run.id),
        "markdown": run.report_path,
        "html": run.files.report_html,
        "markdown_kept": rendered.kept,
        "earlier": rendered.earlier,
        "earlier_html": rendered.earlier_html,
    }
    talk = []
    if rendered.kept:
        talk.append("the plan's stages were changed by hand: its markdown was left as it is")
    kept = filter(None, (rendered.earlier, rendered.earlier_html))
    talk += [f"a page was changed by hand: it is kept as {earlier}" for earlier in kept]
    return Reply(data, fields([("markdown", run.report_path), ("html", run.files.report_html)]), talk)


def _views(args: Namespace, call: Call) -> Reply:
    """Exit status 4 when a page does not match the data."""
    from ..report.store import pages_of
    from ..runs.find import find_run

    run = find_run(args.run, call.start, call.services)
    pages = pages_of(run)
    stale = [page for page in pages if not page.state.good]
    data = {
        "run_id": str(run.id),
        "data": run.files.report_data,
        "views": [{"kind": page.kind, "path": page.path, "state": str(page.state)} for page in pages],
    }
    text = fields([("data", run.files.report_data), *((f"{one.kind} ({one.state})", one.path) for one in pages)])
    errors = [
        {
            "code": "report-stale",
            "message": f"the {page.kind} page is {page.state}",
            "where": page.path,
            "try": okstra_command("report", "render", run.id),
        }
        for page in stale
    ]
    return Reply(data, text, exit_status=EXIT_CHECK if stale else EXIT_OK, errors=errors)


def _find(args: Namespace, call: Call) -> Reply:
    from ..report.store import find_reports
    from ..settings.project import open_project

    check_task(args, call)
    project = open_project(call.start, call.services)
    found = find_reports(project.files, task_key=args.task_key, task_type=args.type)
    rows = [(one.run_id or one.task_key, one.verdict, one.outcome, one.at, one.html or one.path) for one in found]
    text = table(rows, ("RUN", "VERDICT", "OUTCOME", "AT", "REPORT")) if rows else ""
    return Reply({"reports": [one._asdict() for one in found]}, text, [] if rows else ["there is no report"])
