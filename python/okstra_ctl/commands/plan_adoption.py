"""`okstra plan adopt`: a plan from elsewhere becomes the task's next planning report (spec 3, "The ledger")."""

from __future__ import annotations

import os

from ..errors import UsageError
from ..names import PLANNING, TaskKey
from ..plan import store as plans
from ..plan.approval import unapprove
from ..runs.numbers import claim_run
from ..services import Doors
from ..settings.project import open_project
from ..system import files as fsio
from ..tasks.records import ensure_task


def adopt(source: str, key: TaskKey, start: str, doors: Doors) -> str:
    """Answers where the plan stands now. The source stays, and its approval, if it says so, does not come along.

    Raises UsageError (`not-found`, `bad-identity`), CheckFailed (`plan-invalid`), Refused: then nothing was written.
    """
    text = unapprove(plans.read_text(source))
    checked = plans.check_text(source, text)
    if checked.stage_map is None:
        raise plans.invalid(checked)
    project = open_project(start, doors)
    if key.project_id != project.config.project_id:
        raise UsageError(
            "bad-identity", f"this project is {project.config.project_id!r}, not {key.project_id!r}", where="--task-key"
        )
    ensure_task(project.files, key, category="", brief="", at=doors.clock.now())
    run = claim_run(project.files.task(key), PLANNING)
    fsio.make_folder(os.path.dirname(run.report))
    fsio.replace(run.report, text.encode("utf-8"))
    return run.report
