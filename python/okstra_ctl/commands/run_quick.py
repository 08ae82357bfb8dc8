"""`run --quick`: the flags, and the question whether the one-stage plan is approved. All of it comes before a write."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from ..errors import Refused, UsageError
from ..names import IMPLEMENTATION, TaskKey
from ..output import Reply
from ..paths import ProjectFiles
from ..plan import plans
from ..plan.approvals import Candidate
from ..prepare import quick
from ..prepare.request import resolve
from ..quoting import okstra_command
from ..runs.request import PrepareInputs, Request
from ..services import Call
from ..settings.project import open_project
from ..tasks.titles import title_in
from .leading import choose_lead
from .plan import approver, ask_for_approval


def check_flags(args: Namespace) -> None:
    """Makes the run an implementation. Raises UsageError (`usage`) for flags that don't go with each other."""
    if not args.quick:
        raise UsageError("usage", "--check, --files and --approve go with --quick", hint="okstra run --help")
    if args.all_ready or args.approved_plan or args.stage or args.task_type not in ("", IMPLEMENTATION):
        message = (
            "--quick makes a plan of one stage: --task-type, --stage, --approved-plan, --all-ready don't go with it"
        )
        raise UsageError("usage", message, hint="okstra run --help")
    args.task_type = IMPLEMENTATION


def preview(inputs: PrepareInputs, args: Namespace, call: Call) -> Reply:
    """The plan as it would be written. Raises as `place_plan`, before anybody is asked."""
    _, text, _ = _made(inputs, args, call, remember=False)
    return Reply({"plan": text}, text.rstrip("\n"))


def place_plan(inputs: PrepareInputs, args: Namespace, call: Call) -> None:
    """Asks for approval, then writes the task and its approved plan.

    Raises UsageError (`input-missing`, `usage`), CheckFailed (`plan-invalid`), Refused (`not-confirmed`), and as
    `resolve`: then nothing was written.
    """
    request, text, found = _made(inputs, args, call, remember=True)
    if not args.approve:
        if not sys.stdin.isatty():
            hint = "read it with --dry-run, then: --yes --approve"
            raise UsageError("input-missing", "nobody is there to ask whether the quick plan is approved", hint=hint)
        if not ask_for_approval(found):
            raise Refused("not-confirmed", "the plan is not approved: nothing was written")
    quick.place(request, text, found.stage_map, approver(request.project.root, call), call.services)


def _made(inputs: PrepareInputs, args: Namespace, call: Call, *, remember: bool) -> tuple[Request, str, Candidate]:
    project = open_project(call.start, call.services)
    key = TaskKey.make(inputs.project_id, inputs.task_group, inputs.task_id)
    files = ProjectFiles(os.fspath(inputs.project_root)).task(key)
    if plans.latest(files) is not None:
        raise UsageError("usage", f"{key} has a plan already", where=files.plans_dir, hint=okstra_command("next", key))
    check = args.check or " && ".join(project.config.qa_commands)
    if not check.strip():
        hint = "--check CMD names it; okstra init finds the project's own (qaCommands)"
        raise UsageError("input-missing", "a quick stage needs an exit check, and there is none", hint=hint)
    patterns = args.files or [quick.EVERYTHING]
    led = "" if args.render_only or args.dry_run else choose_lead(inputs.lead, inputs.provider, inputs.task_type)
    _, planned = quick.checked_plan(quick.plan_text(str(key), check, patterns))
    inputs = inputs._replace(lead=led or inputs.lead, led=bool(led))
    request = resolve(inputs, call.services, remember=remember, planned=planned)
    if not request.brief_text.strip():
        hint = 'okstra run --quick "what is wanted"'
        raise UsageError("request-missing", "there is no request: nothing was prepared", where=str(key), hint=hint)
    text = quick.plan_text(title_in(request.brief_text), check, patterns)
    checked, planned = quick.checked_plan(text)
    return request, text, Candidate(checked, planned, ())
