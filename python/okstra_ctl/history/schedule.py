"""`okstra next --all`: what is left of a project's open tasks, from the records; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from .. import git
from ..errors import OkstraError
from ..names import HANDOFF, PLANNING, RunId, TaskKey
from ..paths import ProjectFiles, RunFiles, TaskFiles
from ..plan import plans
from ..plan.globs import intersect
from ..runs.dropped import read_dropped
from ..runs.find import KnownRun
from ..runs.manifest import SCHEMA as MANIFEST_SCHEMA
from ..services import Services
from ..settings.project import Project, open_project
from ..stages.records import current_states, unfinished_run
from ..stages.select import StageState
from ..status import RunStatus, StageStatus, with_marks
from ..system import files
from ..tasks import catalog as task_catalog
from ..tasks.catalog import task_unknown
from ..tasks.records import read_manifest
from ..tasks.views import catalog_entry
from .listing import run_rows
from .units import BEFORE_PLANNING, PlanFacts, TaskFacts, Unit, in_order, rounds_of, units_of

_MOST_COMPARISONS = 20_000  # of file patterns; more than a person's plans have


class Clash(NamedTuple):
    """Two open tasks whose plans change the same files: begun together, they would have to be merged by hand."""

    task_key: str
    other: str
    files: str


class Schedule(NamedTuple):
    """Tasks in the order in which they go first, their units in rounds, and what could not be read."""

    project_id: str
    tasks: tuple[TaskFacts, ...]
    rounds: tuple[tuple[Unit, ...], ...]
    clashes: tuple[Clash, ...]
    warnings: tuple[str, ...]


def make_schedule(start: str, keys: Sequence[str], jobs: int, services: Services) -> Schedule:
    """Raises Missing (`not-a-project`), UsageError (`not-found`, `bad-identity`), Unreadable."""
    project = open_project(start, services)
    wanted = {str(TaskKey.parse(key)) for key in keys}
    warnings: list[str] = []
    status = {row.run_id: row.status for row in run_rows(services)}
    found = list(_open_tasks(project, wanted, status, services, warnings))
    tasks = in_order([task for task in found if task is not None])
    rounds = rounds_of([unit for task in tasks for unit in units_of(task)], jobs)
    return Schedule(
        project.config.project_id, tuple(tasks), tuple(map(tuple, rounds)), tuple(_clashes(tasks)), tuple(warnings)
    )


def next_of_task(start: str, key: TaskKey, services: Services) -> str:
    """The command by which the task goes on; empty when nothing is left of it, or it can't be told: it is a hint."""
    try:
        unit = next_unit(start, key, services)
    except OkstraError:
        return ""
    return unit.command if unit else ""


def next_unit(start: str, key: TaskKey, services: Services) -> Unit | None:
    """The first piece of work that can be done now; None when nothing is left of the task. Raises Missing
    (`not-a-project`), Unreadable."""
    task = task_facts(open_project(start, services), key, services)
    return first_unit(task) if task else None


def first_unit(task: TaskFacts) -> Unit | None:
    return next((unit for unit in units_of(task) if unit.command), None)


def held_elsewhere(start: str, key: TaskKey, services: Services) -> str:
    """What other machines are at of the task, in words; empty for nothing. Raises as `next_unit`."""
    task = task_facts(open_project(start, services), key, services)
    held = [unit for unit in units_of(task) if unit.host] if task else []
    return "; ".join(f"{unit.name} is {with_marks(unit.status, host=unit.host)}" for unit in held)


def task_facts(project: Project, key: TaskKey, services: Services) -> TaskFacts | None:
    """None when nothing is left of the task. Raises Unreadable."""
    entry = task_catalog.entries(project.files).get(str(key), {})
    status = {row.run_id: row.status for row in run_rows(services)}
    return _facts(project, key, entry, status, services)


def _open_tasks(
    project: Project, wanted: set[str], status: dict[str, str], services: Services, warnings: list[str]
) -> Iterator[TaskFacts]:
    entries = task_catalog.entries(project.files)
    unknown = sorted(wanted - entries.keys())
    if unknown:
        raise task_unknown(TaskKey.parse(unknown[0]), project.root, services)
    for name, entry in entries.items():
        if wanted and name not in wanted:
            continue
        try:
            task = _facts(project, TaskKey.parse(name), entry, status, services)
        except OkstraError as error:
            warnings.append(f"{name}: {error.message}")
            continue
        if task is not None:
            yield task


def _facts(
    project: Project, key: TaskKey, entry: Mapping[str, object], status: dict[str, str], services: Services
) -> TaskFacts | None:
    """Where the task stands; None when nothing is left of it, or nobody wants it any more."""
    if str(key) in read_dropped(services.home).tasks:
        return None
    paths = project.files.task(key)
    manifest = read_manifest(paths) or {}
    row = catalog_entry(manifest) if manifest else entry
    phases = manifest.get("phases")
    phase = str(row.get("phase", ""))
    known = phases.get(phase) if isinstance(phases, dict) else None
    event = str(known.get("last_event", "")) if isinstance(known, dict) else ""
    last_run = str(row.get("last_run", ""))
    if phase == PLANNING and (event == RunStatus.RELEASED or _has_persons_plan(paths, last_run, project.files)):
        event = "completed"  # whatever became of the run that was to make one
    next_step, run_status = str(row.get("next_step", "")), status.get(last_run, "")
    plan = plan_facts(project, key, services)
    if phase in ("", *BEFORE_PLANNING) and plan is not None and _is_adopted_and_open(paths, plan):
        phase, event, next_step, run_status = PLANNING, "completed", "", ""  # a person has planned it
    finished_by = str(manifest.get("finished_by") or "")
    if (phase == HANDOFF and event == "completed") or _task_type(finished_by) == HANDOFF:
        return None
    related = manifest.get("related")
    return TaskFacts(
        key=str(key),
        title=str(row.get("title", "")),
        phase=phase,
        event=event,
        last_run=last_run,
        last_at=str(row.get("last_at", "")),
        next_step=next_step,
        run_status=run_status,
        accepted=bool(finished_by),
        related=tuple(map(str, related)) if isinstance(related, list) else (),
        plan=plan,
    )


def _has_persons_plan(paths: TaskFiles, last_run: str, project: ProjectFiles) -> bool:
    from ..report.own_pages import is_persons_plan

    try:
        run = RunId.parse(last_run)
        manifest = files.read_json(paths.run_of(run).manifest, MANIFEST_SCHEMA)
        return manifest is not None and is_persons_plan(KnownRun(run, project, paths.run_of(run), manifest))
    except OkstraError:
        return False


def _is_adopted_and_open(paths: TaskFiles, plan: PlanFacts) -> bool:
    """Whether a person adopted that plan and not all of it is built: a finished one plans nothing of a fix cycle."""
    seq = os.path.basename(plan.path).removesuffix(".md").rpartition("-")[2]
    made_by_run = os.path.exists(RunFiles(paths.run_dir(PLANNING), PLANNING, seq).manifest)
    is_built = bool(plan.states) and all(state.status is StageStatus.DONE for state in plan.states)
    return not (made_by_run or is_built)


def _task_type(run_id: str) -> str:
    try:
        return RunId.parse(run_id).task_type if run_id else ""
    except OkstraError:
        return ""


def plan_facts(project: Project, key: TaskKey, services: Services) -> PlanFacts | None:
    """The task's newest plan, and how far it is built. Raises Unreadable."""
    path = plans.latest(project.files.task(key))
    if path is None:
        return None
    plan = plans.load(path, services)
    if plan.stage_map is None:
        return PlanFacts(path, False, (), {})
    states = current_states(path, plan.stage_map, key, services)
    steps = {stage.number: len(stage.steps) for stage in plan.stage_map.stages}
    merged = _merged(project, key, states, services)
    waiting = [state for state in states if state.status is StageStatus.DONE and state.stage not in merged]
    left = {state.stage: status for state in waiting if (status := unfinished_run(project.files, key, state))}
    return PlanFacts(path, plan.may_run, tuple(states), steps, merged, left)


def _merged(project: Project, key: TaskKey, states: Sequence[StageState], services: Services) -> frozenset[int]:
    """The done stages that the task branch has, or the branch of the main worktree; where runs have no branches, every
    done one."""
    done = {state.stage: state.head_commit for state in states if state.status is StageStatus.DONE}
    claim = services.registry.read().task(key)
    places = ("HEAD", f"refs/heads/{claim.branch}") if claim else ("HEAD",)

    def has(commit: str) -> bool:
        return not commit or any(git.is_ancestor(project.root, commit, place) for place in places)

    return frozenset(stage for stage, commit in done.items() if has(commit))


def _clashes(tasks: Sequence[TaskFacts]) -> Iterator[Clash]:
    paths = {task.key: _files_to_change(task) for task in tasks}
    left = _MOST_COMPARISONS
    for one, other in combinations([task.key for task in tasks], 2):
        left -= len(paths[one]) * len(paths[other])
        if left < 0:
            return
        shared = [a for a in paths[one] if any(intersect(a, b) for b in paths[other])]
        if shared:
            yield Clash(one, other, ", ".join(shared[:3]))


def _files_to_change(task: TaskFacts) -> list[str]:
    states = task.plan.states if task.plan else ()
    return sorted({name for state in states if state.status is not StageStatus.DONE for name in state.files})
