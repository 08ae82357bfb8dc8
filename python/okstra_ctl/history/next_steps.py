"""What a person does next about a run, by what is there besides its status."""

from __future__ import annotations

from ..errors import OkstraError
from ..names import PLANNING
from ..next_steps import next_step
from ..quoting import okstra_command
from ..services import Doors
from ..status import RunStatus
from .listing import RunRow

_GOES_ON = (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.PREPARED, RunStatus.RESERVED)


def step_of(row: RunRow, doors: Doors) -> str:
    """A command to paste; empty when there is nothing to do."""
    persons = _step_of_persons_plan(row, doors) if row.task_type == PLANNING and row.status in _GOES_ON else ""
    return persons or next_step(row.status, row.run_id, stage=row.stage is not None)


def _step_of_persons_plan(row: RunRow, doors: Doors) -> str:
    """A person wrote the plan that this run was to make: that is checked and approved, and the run need not go on."""
    from ..plan import store as plans
    from ..report.own_pages import is_persons_plan
    from .usage import known_run

    run = known_run(row)
    try:
        if run is None or not is_persons_plan(run):
            return ""
        plan = plans.load(run.report_path, doors)
    except OkstraError:
        return ""
    if plan.errors:
        return okstra_command("plan", "check", plan.path)
    if plan.may_run:
        return okstra_command("run", "--task-key", run.id.task, "--task-type", "implementation")
    return okstra_command("plan", "approve", plan.path)
