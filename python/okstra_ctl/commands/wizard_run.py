"""From what a person gave and answered to the flags of `okstra run`."""

from __future__ import annotations

from argparse import Namespace

from ..command_table import Call, find
from ..names import IMPLEMENTATION, TaskKey
from ..options import build_parser
from ..runs.handoff_steps import choice_of
from ..settings.models import MODEL_SLOTS
from ..wizard import session as flow
from ..wizard.questions import NEW
from ..wizard.steps import STEPS
from ..wizard.wizard_front import can_ask, converse, open_front
from .run_inputs import lacking, lacks_request

_NO_QUESTION = ("project-id", "lead", "provider", "budget", "report-language", "report-writer", "base", "title")
_SWITCHES = ("all-ready", "render-only", "dry-run", "draft")


def complete(args: Namespace, call: Call) -> Namespace:
    """The flags with what they lacked; unchanged when they lack nothing, or nobody is there to ask.

    Raises Refused (`not-confirmed`), UsageError, KeyboardInterrupt: nothing was written.
    """
    if getattr(args, "json", False) or not can_ask() or not (lacking(args, call) or lacks_request(args, call)):
        return args
    begun = flow.begin(call.start, args.report_language, _known(args), call.doors)
    front = open_front(begun.language, call.doors.environment, plain=args.plain)
    more = _others(args)
    argv = flow.arguments(converse(begun, front, call.doors, more), call.doors)
    command = find("run")
    assert command is not None
    parser, _ = build_parser(command)
    return parser.parse_args([*argv, *more])


def _known(args: Namespace) -> dict[str, str]:
    """The questions that flags answer."""
    known = {step.id: str(getattr(args, step.id.replace("-", "_"), "")) for step in STEPS}
    if args.task_key:
        key = TaskKey.parse(args.task_key)
        known.update({"task-group": key.task_group, "task-id": key.task_id})
    if known["task-group"] or known["task-id"]:
        known["task"] = NEW
    known["steps"] = ",".join(choice_of(push=args.push, pull_request=args.pr).steps)
    if len(args.request.split()) > 1:
        known["task-brief"] = known["task-brief"] or args.request
    if args.all_ready:
        known.update({"task-type": IMPLEMENTATION, "stage": "auto"})
    return known


def _others(args: Namespace) -> list[str]:
    """The flags that were given and that no question is about, as words of the command line."""
    names = [*_NO_QUESTION, *(f"{slot}-model" for slot in MODEL_SLOTS)]
    values = {name: getattr(args, name.replace("-", "_")) for name in names}
    if args.task_key:
        values["project-id"] = TaskKey.parse(args.task_key).project_id
    words = [f"--{name}={value}" for name, value in values.items() if value]
    words += [f"--{name}" for name in _SWITCHES if getattr(args, name.replace("-", "_"))]
    return [*words, *([f"--jobs={args.jobs}"] if args.all_ready else [])]
