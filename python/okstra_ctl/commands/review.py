"""Reviews a change that is there already: a range of commits, what is staged, or a pull request. Nothing of it is
changed.

Analysts look at it separately and check one another's findings, as in every run; the result is a report. Exit status 4
says that a finding of severity high or critical is open. Without RANGE: what HEAD has since it left the main branch.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from .. import __version__, git, github
from ..errors import CheckFailed, OkstraError, Refused, UsageError
from ..names import REVIEW, TaskKey
from ..options import add_sandbox_flag, add_trust_flag, add_wait_quota, with_sandbox, with_trust
from ..output import Reply, confirm, print_note, some_of
from ..paths import ProjectFiles
from ..results.records import FindingSeverity
from ..review import find
from ..review.brief import Change, for_agents
from ..runs.request import PrepareInputs
from ..services import Call
from ..settings.project import open_project
from ..settings.roster import MODEL_SLOTS
from ..system import files
from ..system.text import printable
from ..tasks.records import read_manifest

_GRAVE = ("critical", "high")


def configure(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("range", metavar="RANGE", nargs="?", default="", help="A..B, A...B, or A (as A...HEAD)")
    what.add_argument("--pr", metavar="N", type=int, default=0, help="the pull request of that number, by gh")
    what.add_argument("--staged", action="store_true", help="what is staged for the next commit")
    parser.add_argument("--sarif", metavar="FILE", default="", help="write the open findings as SARIF 2.1.0")
    parser.add_argument("--post", action="store_true", help="with --pr: post the findings there; asks first")
    parser.add_argument("--workers", metavar="a,b", default="", help="the providers that review")
    parser.add_argument("--report-writer", metavar="P", default="", help="default: claude, or the first of --workers")
    parser.add_argument("--provider", metavar="P", default="", help="one provider for every worker, e.g. rehearsal")
    parser.add_argument("--critic", metavar="P", default="", help="a provider that looks for what the others missed")
    for slot in MODEL_SLOTS:
        parser.add_argument(f"--{slot}-model", metavar="M", default="", help=f"the model of {slot}, or custom:ID")
    parser.add_argument("--directive", metavar="TEXT", default="", help="extra instructions for every worker")
    parser.add_argument("--budget", metavar="USD", default="", help="stop dispatching when the run has spent it")
    parser.add_argument("--quorum", metavar="N", default="", help="how many voices (model families) have to answer")
    add_wait_quota(parser)
    parser.add_argument("--report-language", choices=("en", "ko"), default="", help="default: the project's")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_trust_flag(parser)
    add_sandbox_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    """Raises as a led run, and CheckFailed (`review-findings`), UsageError (`nothing-to-review`), Missing."""
    call = with_sandbox(args, with_trust(args, call))
    project = open_project(call.start, call.services)
    _check(args)
    change = _change(args, project.root, call)
    key = TaskKey.make(project.config.project_id, find.GROUP, change.id)
    _show(change)
    if not args.yes and sys.stdin.isatty() and not confirm("review it?", default=True):
        raise Refused("not-confirmed", "nothing was reviewed")
    known = read_manifest(project.files.task(key)) is not None
    done = _lead(_inputs(args, project.root, key, change, known=known), key, change, call)
    report = _report(project.files, done)
    _tidy(key, project.root, call)
    if args.sarif:
        files.replace(args.sarif, files.json_bytes(_sarif(report)), mode=0o644)
    if args.post:
        from .review_post import post

        post(args.pr, report, change, project.root, call, asks=not args.yes)
    return _judged(done, report, args.sarif)


def _check(args: Namespace) -> None:
    if args.post and not args.pr:
        raise UsageError("usage", "--post needs --pr, which says where to", hint="okstra review --pr N --post")
    if args.post and not args.yes and not sys.stdin.isatty():
        hint = "with --yes it is posted without a question"
        raise Refused("not-confirmed", "nobody is here to ask whether to post: nothing was done", hint=hint)
    if args.sarif and not os.path.isdir(os.path.dirname(os.path.abspath(args.sarif))):
        raise UsageError("not-found", "there is no such folder", where=args.sarif, hint="make it, then try again")


def _change(args: Namespace, root: str, call: Call) -> Change:
    environment = call.services.environment
    if args.pr:
        github.require(environment)
        return find.pull_request(root, args.pr, environment)
    found = git.discover(call.start)  # the range is named where the person is, which may be a linked worktree
    if found is None:
        raise UsageError("not-found", "there is no git repository here", where=call.start)
    return find.staged(found) if args.staged else find.range_named(found.top, args.range)


def _show(change: Change) -> None:
    lines = [f"review of the change {change.name}: {change.base[:12]}..{change.head[:12]}, {some_of(change.files)}"]
    mine = for_agents(change.files)
    if mine:
        lines.append(f"warning: it changes what agents may take for instructions or settings: {some_of(mine)}")
    print_note("\n".join(f"okstra: {line}" for line in lines))


def _inputs(args: Namespace, root: str, key: TaskKey, change: Change, *, known: bool) -> PrepareInputs:
    from .run_inputs import parts

    return PrepareInputs(
        project_root=root,
        project_id=key.project_id,
        task_group=key.task_group,
        task_id=key.task_id,
        task_type=REVIEW,
        request="" if known else find.request_of(root, change),
        base_ref=change.head,
        workers=parts(args.workers),
        critic=args.critic,
        provider=args.provider,
        report_writer=args.report_writer,
        models={slot: getattr(args, f"{slot.replace('-', '_')}_model") for slot in MODEL_SLOTS},
        directive=args.directive,
        report_language=args.report_language,
        budget_usd=args.budget,
        quorum=args.quorum,
        wait_quota=args.wait_quota,
        lead="auto",
        led=True,
    )


def _lead(inputs: PrepareInputs, key: TaskKey, change: Change, call: Call) -> Reply:
    from ..prepare.prepare import prepare_task_bundle
    from .leading import AUTO, hand_over

    prepared = prepare_task_bundle(inputs, call.services)
    find.keep(os.fspath(inputs.project_root), key, change)  # until now, the worktree's branch keeps it
    return hand_over(prepared, AUTO, call)


def _report(project: ProjectFiles, done: Reply) -> dict[str, Any]:
    from ..names import RunId

    run = RunId.parse(str(done.data["run_id"]))
    return files.read_json(project.task(run.task).run_of(run).report_data) or {"findings": []}


def _tidy(key: TaskKey, root: str, call: Call) -> None:
    """Removes the worktree and its branch; the commit is kept. What can't be removed stays for `okstra gc`."""
    from ..worktrees.remove import remove_unused

    try:
        remove_unused(key, root, call.services)
    except OkstraError as error:
        sys.stderr.write(printable(f"okstra: warning: the review's worktree stays: {error.message}") + "\n")


def _sarif(report: dict[str, Any]) -> dict[str, Any]:
    from ..report.sarif import sarif

    return sarif(report, __version__)


def _open(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in report["findings"] if one["status"] == "open"]


def _judged(done: Reply, report: dict[str, Any], written: str) -> Reply:
    """Raises CheckFailed (`review-findings`)."""
    found = _open(report)
    counts = {str(name): sum(one["severity"] == name for one in found) for name in FindingSeverity}
    data: dict[str, object] = {**done.data, "open_findings": counts, "sarif": written}
    lines = [done.text, *(f"{one['severity']:<8}  {one['title']}" for one in found)]
    if any(counts[name] for name in _GRAVE):
        grave = counts["critical"] + counts["high"]
        message = f"{grave} open {'finding is' if grave == 1 else 'findings are'} of severity high or critical"
        first = next(one for one in found if one["severity"] in _GRAVE)
        hint = f"the first of them: {first['title']}; the report: {done.data['report']}"
        raise CheckFailed("review-findings", message, where=str(done.data["run_id"]), hint=hint, data=data)
    return done._replace(data=data, text="\n".join(lines))
