"""Hands a task off: pushes its branch, opens its pull request. Only what a flag, or your answer at the menu, names.

The steps and their commands are shown first; a task that no final verification accepted is refused.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import UsageError
from ..names import HANDOFF, TaskKey
from ..options import add_task_key, add_trust_flag
from ..output import Reply
from ..runs.manifest import PULL_REQUEST, PUSH, STEPS
from ..services import Call
from ..settings.project import open_project
from .run_inputs import add_handoff_flags


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "the task, <project-id>:<task-group>:<task-id>", dest="task", required=True)
    add_handoff_flags(parser)
    parser.add_argument("--directive", metavar="TEXT", default="", help="a note for the record; it selects nothing")
    parser.add_argument("--pr-template-path", metavar="PATH", default="", help="the pull request's template")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_trust_flag(parser)
    parser.add_argument("--dry-run", action="store_true", help="write nothing; print what would be done")


def execute(args: Namespace, call: Call) -> Reply:
    """Raises as `okstra run --task-type release-handoff`, which it is a short form of."""
    from ..command_table import find
    from ..options import build_parser
    from .run import execute as run

    key = TaskKey.parse(args.task)
    project = open_project(call.start, call.services)
    if key.project_id != project.config.project_id:
        message = f"this project is {project.config.project_id!r}, not {key.project_id!r}"
        raise UsageError(
            "bad-identity", message, where="KEY", hint="go to the task's project, or name it: --project-root"
        )
    steps = [step for step, chosen in ((PUSH, args.push), (PULL_REQUEST, args.pr)) if chosen]
    if not steps and not args.yes and not args.dry_run and not getattr(args, "json", False):
        steps = _ask(call, project.config.report_language)
    words = ["--task-key", str(key), "--task-type", HANDOFF, *(f"--{step}" for step in steps)]
    for name in ("base", "title", "directive", "pr_template_path"):
        words += [f"--{name.replace('_', '-')}={getattr(args, name)}"] if getattr(args, name) else []
    words += [f"--{name.replace('_', '-')}" for name in ("draft", "yes", "trust", "dry_run") if getattr(args, name)]
    words += ["--json"] if getattr(args, "json", False) else []
    command = find("run")
    assert command is not None
    return run(build_parser(command)[0].parse_args(words), call)


def _ask(call: Call, language: str) -> list[str]:
    """The steps that a person at the terminal picks from a list; none where nobody is there."""
    from ..wizard.front import can_ask, open_front

    if not can_ask():
        return []
    from ..wizard.session import texts_of
    from ..wizard.steps import Option, Question

    texts = texts_of(language)
    options = tuple(Option(step, texts["options"][f"step-{step}"]) for step in STEPS)
    shown = texts["steps"]["steps"]
    asked = Question("steps", "multi", shown["label"], shown["help"], options, (), "", False, "")
    answer = open_front(language, call.services.environment, plain=False).ask(asked, "")
    return [step for step in STEPS if step in answer.split(",")]
