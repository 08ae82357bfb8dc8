"""`run --quick`: a plan of one stage, made from the request and an exit check, with no planning run.

Everything is checked, and the person asked, before the first byte is written. Then, in this order: the request and the
task, the plan, its approval. After a kill in between, `okstra next` goes on with what is there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..names import IMPLEMENTATION, PLANNING, TaskKey
from ..paths import ProjectFiles, TaskFiles
from ..plan import approvals, plans
from ..plan.approvals import Approver
from ..plan.model import StageMap
from ..plan.plans import CheckedPlan
from ..quoting import okstra_command
from ..report.parts import plan_lines
from ..report.safe_markdown import code, inline
from ..runs.find import claim_run
from ..runs.request import Request
from ..services import Services
from ..system import files
from ..system.text import text_bytes
from ..tasks.records import try_record_next_step
from .prepare import ensure_task

EVERYTHING = "**"


def plan_text(title: str, check: str, patterns: Sequence[str]) -> str:
    """The plan, not approved yet. `title` is what the request is about, in a line."""
    touched = ", ".join(map(code, patterns))
    stage = {
        "title": title,
        "depends_on": [],
        "files": list(patterns),
        "steps": [
            f"Write a failing test that shows what is asked for, and see {code(check)} fail.",
            f"Do what the brief asks for, within {touched}, until {code(check)} is green.",
        ],
        "exit_check": check,
        "tdd_exemption": "",
    }
    head = ["---", "approved: false", "---", "", f"# {inline(title)}", ""]
    head += ["A quick plan: one stage, made by `okstra run --quick` from the brief, without a planning run.", ""]
    return "\n".join([*head, *plan_lines([stage])]).rstrip("\n") + "\n"


def checked_plan(text: str) -> tuple[CheckedPlan, StageMap]:
    """Raises CheckFailed (`plan-invalid`), for a pattern that leads out of the repository among others."""
    checked = plans.check_text("--quick", text)
    if checked.stage_map is None:
        refused = plans.invalid(checked)
        refused.hint = "change --check or --files"
        raise refused
    return checked, checked.stage_map


def place(request: Request, text: str, stage_map: StageMap, by: Approver, services: Services) -> str:
    """Writes the task and its approved plan, whose path it returns. Raises as `ensure_task` and `approvals.approve`."""
    (stage,) = stage_map.stages
    again = ("--quick", "--check", stage.exit_check, "--files", *stage.files)
    step = okstra_command("run", "--task-key", request.key, "--task-type", IMPLEMENTATION, *again)
    ensure_task(request, services, next_step=step)
    path = _write(request.project.files, request.task, request.key, text, services)
    approvals.approve(path, by, services, seen=stage_map.digest)
    return path


def _write(project: ProjectFiles, task: TaskFiles, key: TaskKey, text: str, services: Services) -> str:
    path = claim_run(task, PLANNING).report
    files.make_folder(os.path.dirname(path))
    files.replace(path, text_bytes(text))
    try_record_next_step(project, key, okstra_command("plan", "approve", path))
    return path
