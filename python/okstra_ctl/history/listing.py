"""Lists of worktrees, from the registry, and of runs, from the index, each with its present status."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from ..claims.registry_document import StageClaim, TaskClaim
from ..errors import OkstraError
from ..index import run_index
from ..index.database import ENDED, Row
from ..names import IMPLEMENTATION, Owner, RunId
from ..paths import ProjectFiles
from ..runs.dropped import Dropped, read_dropped
from ..runs.find import recorded_end
from ..services import Services
from ..status import ClaimStatus, Liveness, RunStatus, is_unpublished, run_status
from ..system import process_identity

_NOT_WELL = tuple(map(str, (RunStatus.FAILED, RunStatus.CONTRACT_VIOLATED, RunStatus.INTERRUPTED)))


class WorktreeRow(NamedTuple):
    key: str
    path: str
    branch: str
    status: str
    run_id: str
    exists: bool
    ports: Mapping[str, int] = MappingProxyType({})
    """By the variables that hold them."""


class RunRow(NamedTuple):
    run_id: str
    task_type: str
    stage: int | None
    status: str
    at: str
    project_root: str
    manifest: str
    host: str = ""
    """The other machine that has the run; empty for one of this home."""
    unpublished: bool = False
    """Its stage is proven, and other machines don't know yet."""

    @property
    def task(self) -> str:
        """The key of the run's task; of an id that is none, the whole."""
        try:
            return str(RunId.parse(self.run_id).task)
        except OkstraError:
            return self.run_id

    def is_of(self, project: str, task_key: str) -> bool:
        """Whether it is of that project and task; empty stands for every one. Ids are parsed only where they may be."""
        if project and not self.run_id.startswith(f"{project}:"):
            return False
        return not task_key or (self.run_id.startswith(f"{task_key}/") and self.task == task_key)


class TimedRun(NamedTuple):
    """A run, whether the index has its end, and when it was prepared and first started; empty if unknown."""

    run: RunRow
    ended: bool
    prepared_at: str
    started_at: str


def worktree_rows(services: Services) -> list[WorktreeRow]:
    """Every worktree that okstra made, tasks before their stages."""
    doc = services.registry.read()
    rows = [*(_row(str(key), one) for key, one in doc.tasks()), *(_row(str(key), one) for key, one in doc.stages())]
    ports = doc.ports()
    return sorted((row._replace(ports=ports.get(row.key, {})) for row in rows), key=attrgetter("key"))


def run_rows(services: Services, back_to: str | None = None) -> list[RunRow]:
    """Every run that is open or recent, by its last event, the newest last.

    With `back_to`, also those in the archive since that time. A run that holds a stage and died before it was indexed
    is listed too; that of a done stage belongs to the archive.
    """
    claims = [claim for _, claim in services.registry.read().stages()]
    held, proven = _holders(claims), {claim.run_id: claim.proven for claim in claims if claim.proven}
    unwanted = read_dropped(services.home)
    indexed = [_as_run(row, held) for row in run_index.newest_rows(services.home, back_to)]
    known = {row.run_id for row in indexed}
    unheard = [
        _row_of_claim(claim, held[claim.run_id])
        for claim in claims
        if claim.run_id not in known and _is_listed(claim, with_archive=back_to is not None)
    ]
    rows = sorted(indexed + unheard, key=attrgetter("at"))
    if proven:
        rows = [row._replace(unpublished=is_unpublished(proven.get(row.run_id, ""), row.status)) for row in rows]
    return [_marked(row, unwanted) for row in rows] if unwanted else rows


def rows_elsewhere(services: Services) -> list[RunRow]:
    """The runs by which other machines hold stages of this home's tasks, as this machine saw them last."""
    if not os.path.isdir(services.home.remotes):
        return []
    from ..sharing.joining import known_view  # most homes share nothing

    return [
        RunRow(one.run_id, IMPLEMENTATION, stage, str(RunStatus.RUNNING), one.since, task.project_root, "", one.host)
        for key, task in services.registry.read().tasks()
        for stage, one in known_view(task.project_root, key, services).stages.items()
        if one.host and not one.done
    ]


def dropped_rows(rows: Iterable[RunRow], services: Services) -> list[RunRow]:
    """Of each dropped task its newest run, and every run that was dropped alone; both lists come oldest first."""
    tasks = read_dropped(services.home).tasks
    found: dict[str, RunRow] = {}
    for row in rows:
        if row.status == RunStatus.DROPPED:
            what = row.task if row.task in tasks else row.run_id
            found.pop(what, None)
            found[what] = row
    return list(found.values())


def timed_runs(services: Services, back_to: str | None = None) -> list[TimedRun]:
    """The runs that the index knows, with their beginnings."""
    held = _holders(claim for _, claim in services.registry.read().stages())
    return [
        TimedRun(_as_run(row, held), row.get("event") in ENDED, row.get("prepared_at", ""), row.get("started_at", ""))
        for row in run_index.newest_rows(services.home, back_to)
    ]


def _marked(row: RunRow, unwanted: Dropped) -> RunRow:
    """A run at work is shown as that, whatever became of its task."""
    wanted = row.status == RunStatus.RUNNING or not unwanted.has(row.run_id)
    return row if wanted else row._replace(status=str(RunStatus.DROPPED))


def run_row(run_id: str, services: Services) -> RunRow | None:
    """The row of one run; the archive is read only if it is not among the open and recent ones."""
    for back_to in (None, run_index.EVERYTHING):
        found = next((row for row in run_rows(services, back_to) if row.run_id == run_id), None)
        if found is not None or not run_index.has_older(services.home):
            return found
    return None


def _as_run(row: Row, held: Mapping[str, str]) -> RunRow:
    get, run_id = row.get, row["run_id"]
    status = held.get(run_id) or _without_stage(row)
    if status == RunStatus.COMPLETED and row.get("event") in _NOT_WELL:
        status = ENDED[row["event"]]  # after its stage was done
    return RunRow(
        run_id,
        get("task_type", ""),
        get("stage"),
        status,
        get("at", ""),
        get("project_root", ""),
        get("manifest", ""),
    )


def _is_listed(claim: StageClaim, *, with_archive: bool) -> bool:
    if claim.status is ClaimStatus.DONE:
        return with_archive or claim.owner is not None
    return claim.status is ClaimStatus.ACTIVE


def _without_stage(row: Mapping[str, Any]) -> str:
    """The status of a run that holds no stage (any more)."""
    event = row.get("event", "")
    lead = Liveness.NOBODY
    if event == "started":
        with suppress(ValueError):  # a row that somebody else wrote
            lead = process_identity.liveness(Owner.from_json(row.get("owner")))
    return run_status(None, ENDED.get(event, ""), lead).value


def _row_of_claim(claim: StageClaim, status: str) -> RunRow:
    try:
        run = RunId.parse(claim.run_id)
    except OkstraError:  # a listing shows what is there
        return RunRow(claim.run_id, "", None, status, claim.reserved_at, claim.project_root, "")
    manifest = ProjectFiles(claim.project_root).task(run.task).run_of(run).manifest
    return RunRow(claim.run_id, run.task_type, run.stage, status, claim.reserved_at, claim.project_root, manifest)


def _holders(claims: Iterable[StageClaim]) -> dict[str, str]:
    return {claim.run_id: _holder_status(claim) for claim in claims}


def _holder_status(claim: StageClaim) -> str:
    if claim.status is ClaimStatus.DONE and claim.owner is None:
        return RunStatus.COMPLETED.value
    ended = recorded_end(claim.run_id, claim.project_root)
    return run_status(claim.status, ended, process_identity.liveness(claim.owner)).value


def _row(key: str, claim: TaskClaim | StageClaim) -> WorktreeRow:
    """A stage's status is that of the run that holds it, a task's that of its own claim."""
    shown, run_id = str(claim.status), ""
    if isinstance(claim, StageClaim):
        run_id = claim.run_id
        shown = _holder_status(claim) if claim.status is ClaimStatus.ACTIVE else shown
    if claim.status is ClaimStatus.PROVISIONING and process_identity.liveness(claim.owner) is Liveness.GONE:
        shown = str(RunStatus.INTERRUPTED)
    return WorktreeRow(key, claim.path, claim.branch, shown, run_id, os.path.isdir(claim.path))
