"""The flags that choose a hand-off's steps, and the question before they are carried out."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser

from ..command_table import Call
from ..errors import Refused
from ..names import TaskKey
from ..paths import ProjectFiles
from ..runs.request import PrepareInputs
from ..system.visible_text import printable
from .confirm import confirm


def add_handoff_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--push", action="store_true", help="hand-off: push the task's branch")
    parser.add_argument("--pr", action="store_true", help="hand-off: push it, and open a pull request with gh")
    parser.add_argument("--base", metavar="BRANCH", default="", help="hand-off: where the pull request is to be merged")
    parser.add_argument("--draft", action="store_true", help="hand-off: open the pull request as a draft")
    parser.add_argument("--title", metavar="T", default="", help="hand-off: the pull request's title")


def confirm_handoff(inputs: PrepareInputs, call: Call, *, asks: bool) -> None:
    """Shows the steps with their commands, then asks once. Nothing is made or done before the answer.

    Raises Refused (`not-confirmed`), also where nobody is there to ask, and as `plan_handoff`.
    """
    from ..handoff.check import plan_handoff
    from ..tasks.known import require_task

    key = TaskKey.make(inputs.project_id, inputs.task_group, inputs.task_id)
    require_task(str(key), os.fspath(inputs.project_root), call.services)
    plan = plan_handoff(ProjectFiles(os.fspath(inputs.project_root)), key, inputs.handoff, call.services)
    sys.stderr.write(printable("\n".join(plan.lines())) + "\n")
    if not asks:
        return
    if not sys.stdin.isatty():
        hint = "with --yes it is done without a question"
        raise Refused("not-confirmed", "nobody is here to ask: nothing was done", where=str(key), hint=hint)
    if not confirm("do it?", default=False):
        raise Refused("not-confirmed", "nothing was done", where=str(key))
