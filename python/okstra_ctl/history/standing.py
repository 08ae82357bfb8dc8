"""Where the task of a report stands now, for a page that is rendered again."""

from __future__ import annotations

from ..errors import OkstraError
from ..names import PLANNING
from ..report.now import Now, PlanNow, TaskNow, now_of
from ..runs.dropped import read_dropped
from ..runs.events import events_of
from ..runs.find import KnownRun
from ..services import Services
from ..settings.project import open_project
from ..status import StageStatus
from .schedule import first_unit, plan_facts, task_facts
from .units import PlanFacts, TaskFacts

_MERGED = "merged"


def try_now(run: KnownRun, services: Services) -> Now | None:
    """None while nothing came after the run, or when it can't be told: the page shows what stood at the run's end.

    While nothing changes it is what was shown before, with its time, so that rendering twice gives the same pages.
    """
    try:
        now, shown = _now(run, services), now_of(events_of(run.files))
    except OkstraError:
        return None
    return shown if now and shown and shown._replace(at=now.at) == now else now


def _now(run: KnownRun, services: Services) -> Now | None:
    project = open_project(run.project.root, services)
    key = run.id.task
    task, plan = task_facts(project, key, services), plan_facts(project, key, services)
    if task and task.last_run == str(run.id) and run.id.stage is None and not (plan and plan.approved):
        return None
    unit = first_unit(task) if task else None
    return Now(
        at=services.clock.now(),
        task=_task(run, task, services),
        plan=_plan(run, plan),
        stages=len(plan.states) if plan else 0,
        done=sum(state.status is StageStatus.DONE for state in plan.states) if plan else 0,
        merged=len(plan.merged) if plan else 0,
        stage=_stage(run, plan),
        next=unit.command if unit else "",
    )


def _task(run: KnownRun, task: TaskFacts | None, services: Services) -> str:
    if str(run.id.task) in read_dropped(services.home).tasks:
        return TaskNow.DROPPED
    if task is None:
        return TaskNow.HANDED_OFF
    return TaskNow.ACCEPTED if task.accepted else TaskNow.OPEN


def _plan(run: KnownRun, plan: PlanFacts | None) -> str:
    if plan is None:
        return PlanNow.NONE
    if run.id.task_type == PLANNING and plan.path != run.report_path:
        return PlanNow.REPLACED
    return PlanNow.APPROVED if plan.approved else PlanNow.NOT_APPROVED


def _stage(run: KnownRun, plan: PlanFacts | None) -> str:
    number = run.id.stage
    if plan is None or number is None:
        return ""
    if number in plan.merged:
        return _MERGED
    return next((str(state.status) for state in plan.states if state.stage == number), "")
