"""What a person does next about a run, by its status and what is on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..errors import OkstraError
from ..names import PLANNING, TaskKey
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..runs import events
from ..runs.dropped import read_dropped
from ..runs.events import events_of
from ..runs.find import KnownRun, known_run
from ..services import Services
from ..status import RunStatus, next_step, publishing
from ..system import files
from ..tasks import catalog
from .listing import RunRow
from .units import BEFORE_PLANNING

_GOES_ON = (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.PREPARED, RunStatus.RESERVED)
_MAY_BE_LIMITED = (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.RUNNING)


def step_of(row: RunRow, services: Services) -> str:
    """A command to paste; empty when there is nothing to do, or nothing here."""
    if row.status == RunStatus.DROPPED:
        return okstra_command("restore", row.task if row.task in read_dropped(services.home).tasks else row.run_id)
    if row.host:
        return ""
    if row.unpublished:
        return publishing(row.run_id)
    persons = _step_of_persons_plan(row, services) if row.task_type == PLANNING and row.status in _GOES_ON else ""
    return persons or next_step(row.status, row.run_id, stage=row.stage is not None)


def limited_until(row: RunRow, services: Services) -> str:
    """When a provider's limit ends that the run has to wait for; empty where there is none, or it can't be read.

    A run that failed has it in its report, which is read for its next step anyway; one that did not end, in its events.
    """

    run = known_run(row.run_id, row.project_root) if row.status in map(str, _MAY_BE_LIMITED) else None
    if run is None:
        return ""
    if row.status != RunStatus.FAILED:
        return limit_in_events(run, services)
    try:
        report = files.read_json(run.files.report_data) or {}
    except OkstraError:
        return ""
    rows = report.get("execution")
    ends = (
        [str(one.get("again_at") or "") for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
    )
    return max((end for end in ends if end > services.clock.now()), default="")


def limit_in_events(run: KnownRun, services: Services) -> str:
    """As `limited_until`, by the run's events."""
    try:
        return events.limited_until(events_of(run.files), services.clock.now())
    except OkstraError:
        return ""


def with_limit(step: str, until: str) -> str:
    """A step for people: a comment of the shell says until when a limit lasts."""
    return f"{step}  # a provider's limit ends at {until}" if step and until else step


def plans_to_approve(rows: Iterable[RunRow], services: Services) -> Iterator[tuple[RunRow, str]]:
    """Of tasks whose newest run ended well before any stage began: that run, and the plan that nobody has approved yet.
    The rows come oldest first. A plan that breaks rules, or can't be read, is not ready for a person.

    The projects' catalogues say which tasks come to that: no other run's files are opened."""
    newest = {row.task: row for row in rows if row.status != RunStatus.DROPPED}
    catalogs: dict[str, Mapping[str, Mapping[str, object]]] = {}
    for row in newest.values():
        if row.status != RunStatus.COMPLETED or row.task_type not in (*BEFORE_PLANNING, PLANNING):
            continue
        if row.project_root not in catalogs:
            catalogs[row.project_root] = catalog.entries(ProjectFiles(row.project_root))
        step = str(catalogs[row.project_root].get(row.task, {}).get("next_step", ""))
        path = _unapproved(row, services) if step.startswith(okstra_command("plan")) else ""
        if path:
            yield row, path


def _unapproved(row: RunRow, services: Services) -> str:
    from ..plan import plans

    try:
        path = plans.latest(ProjectFiles(row.project_root).task(TaskKey.parse(row.task)))
        plan = plans.load(path, services) if path else None
    except OkstraError:
        return ""
    return plan.path if plan and plan.stage_map is not None and not plan.errors and not plan.may_run else ""


def _step_of_persons_plan(row: RunRow, services: Services) -> str:
    """A person wrote the plan that this run was to make: that is checked and approved, and the run need not go on."""
    from ..plan import plans
    from ..report.own_pages import is_persons_plan

    run = known_run(row.run_id, row.project_root)
    try:
        if run is None or not is_persons_plan(run):
            return ""
        plan = plans.load(run.report_path, services)
    except OkstraError:
        return ""
    if plan.errors:
        return okstra_command("plan", "check", plan.path)
    if plan.may_run:
        return okstra_command("run", "--task-key", run.id.task, "--task-type", "implementation")
    return okstra_command("plan", "approve", plan.path)
