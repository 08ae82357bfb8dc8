"""Releases planning runs that nobody needs any more, because a plan was approved in their place.

They are recorded as released: no listing suggests resuming them, and they no longer use their task's worktree.
`okstra resume` may still continue one. What a kill leaves undone, the next approval of the plan does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..errors import OkstraError
from ..index import run_index
from ..leadership import Lead, change_lead, owner_in
from ..names import PLANNING, RunId, number_in
from ..paths import ProjectFiles
from ..plan import plans
from ..quoting import okstra_command
from ..runs.find import KnownRun
from ..runs.manifest import SCHEMA
from ..seals import store as seals
from ..services import Services
from ..stages.records import task_of_plan
from ..status import Liveness, RunOutcome, RunStatus
from ..system.files import names_in, read_json
from ..system.process_identity import liveness
from ..tasks import records as task_records
from ..worktrees import users

_OPEN = (None, str(RunOutcome.INTERRUPTED))
_RELEASED = str(RunStatus.RELEASED)


def release_planning_runs(plan: str, services: Services) -> tuple[str, ...]:
    """Ends the planning runs up to the plan's own number that are open and led by nobody. Returns warnings."""
    warnings: list[str] = []
    for run in _open_runs(plan, services):
        try:
            warnings += _release(run, services)
        except OkstraError as error:
            warnings.append(f"{run.id} could not be ended: {error.message} ({error.where})")
    return tuple(warnings)


def _open_runs(plan: str, services: Services) -> Iterator[KnownRun]:
    task, key = plans.task_files(plan), task_of_plan(plan, services)
    project = ProjectFiles(plans.project_root_of(plan))
    last = _number(plan)
    folder = os.path.join(os.path.dirname(task.plans_dir), "manifests")
    for seq in sorted(number for name in names_in(folder) if 0 < (number := _number(name)) <= last):
        run = RunId(key, PLANNING, None, seq)
        files = task.run_of(run)
        try:
            manifest = read_json(files.manifest, SCHEMA)
        except OkstraError:  # other commands tell
            continue
        if manifest is not None and _is_open(KnownRun(run, project, files, manifest), manifest):
            yield KnownRun(run, project, files, manifest)


def _number(path: str) -> int:
    """The number in the name of a run's file; 0 for another name."""
    return number_in(os.path.splitext(os.path.basename(path))[0].rpartition("-")[2]) or 0


def _is_open(run: KnownRun, manifest: dict[str, object]) -> bool:
    try:
        owner = owner_in(run, manifest)
    except OkstraError:  # it may be at work
        return False
    nobody = owner is None or liveness(owner) is Liveness.GONE
    return nobody and manifest.get("outcome") in _OPEN


def _release(run: KnownRun, services: Services) -> list[str]:
    at, released = services.clock.now(), False

    def end(manifest: dict[str, object], lead: Lead) -> dict[str, object]:
        nonlocal released
        released = _is_open(run, manifest)  # its lead may have come meanwhile
        if not released:
            return manifest
        return {**manifest, "lead": {**lead, "owner": None}, "ended_at": at, "outcome": _RELEASED}

    with seals.resealed(run, services):
        change_lead(run, end)
    if not released:
        return []
    with services.registry.transaction() as doc:
        users.end_use(doc, run.id, services, completed=False)
    step = okstra_command("run", "--task-key", run.id.task, "--task-type", "implementation")
    news = task_records.RunNews(run.id, _RELEASED, at, step, note="a plan was approved in its place")
    row = run_index.IndexRow(str(run.id), _RELEASED, at, run.id.task_type, None, run.project.root, run.files.manifest)
    notes = [task_records.try_record(run.project, news), run_index.try_append(services.home, row)]
    return [warning for warning in notes if warning]
