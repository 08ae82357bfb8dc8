"""What there is: worktrees by the registry, runs by the index, each with its state now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..core.identity import RunId
from ..core.ownership import Owner
from ..core.paths import ProjectFiles
from ..core.registry_doc import RegistryDoc, StageClaim
from ..edges import process_identity
from ..words.errors import OkstraError
from ..words.statuses import ClaimStatus, Liveness, RunStatus
from . import run_index
from .doors import Doors

_HELD = {
    Liveness.ALIVE: RunStatus.RUNNING,
    Liveness.UNKNOWN: RunStatus.RUNNING,
    Liveness.NOBODY: RunStatus.RESERVED,
    Liveness.GONE: RunStatus.INTERRUPTED,
}
_ENDED = {
    "done": RunStatus.COMPLETED.value,
    "released": RunStatus.RELEASED.value,
    "completed": RunStatus.COMPLETED.value,
    "failed": RunStatus.FAILED.value,
    "contract-violated": RunStatus.CONTRACT_VIOLATED.value,
    "interrupted": RunStatus.INTERRUPTED.value,
}


class WorktreeRow(NamedTuple):
    key: str
    path: str
    branch: str
    status: str
    run_id: str
    exists: bool


class RunRow(NamedTuple):
    run_id: str
    task_type: str
    stage: int | None
    status: str
    at: str
    project_root: str
    manifest: str


def worktree_rows(doors: Doors) -> list[WorktreeRow]:
    """Every worktree that okstra made, tasks before their stages."""
    doc = doors.registry.read()
    rows = [_row(str(key), claim.path, claim.branch, claim.status, claim.owner, "") for key, claim in doc.tasks()]
    rows += [
        _row(str(key), claim.path, claim.branch, claim.status, claim.owner, claim.run_id) for key, claim in doc.stages()
    ]
    return sorted(rows)


def run_rows(doors: Doors) -> list[RunRow]:
    """Every run in the index, oldest first; then those that hold a stage and died before the index knew them."""
    doc = doors.registry.read()
    held = _holders(doc)
    indexed = [
        RunRow(
            row["run_id"],
            row.get("task_type", ""),
            row.get("stage"),
            _ENDED.get(row.get("event", "")) or held.get(row["run_id"]) or _led(row),
            row.get("at", ""),
            row.get("project_root", ""),
            row.get("manifest", ""),
        )
        for row in run_index.newest_rows(doors.home)
    ]
    known = {row.run_id for row in indexed}
    return indexed + [
        _row_of_claim(claim, held[claim.run_id])
        for _, claim in doc.stages()
        if claim.run_id not in known and claim.status is not ClaimStatus.PROVISIONING
    ]


def _led(row: Mapping[str, Any]) -> str:
    """The status of a run that holds no stage and has not ended."""
    if row.get("event") != "started":
        return RunStatus.PREPARED.value
    try:
        return _HELD[process_identity.liveness(Owner.from_json(row.get("owner")))].value
    except ValueError:
        return RunStatus.PREPARED.value


def _row_of_claim(claim: StageClaim, status: str) -> RunRow:
    try:
        run = RunId.parse(claim.run_id)
    except OkstraError:  # a listing shows what is there
        return RunRow(claim.run_id, "", None, status, claim.reserved_at, claim.project_root, "")
    manifest = ProjectFiles(claim.project_root).task(run.task).run_of(run).manifest
    return RunRow(claim.run_id, run.task_type, run.stage, status, claim.reserved_at, claim.project_root, manifest)


def _holders(doc: RegistryDoc) -> dict[str, str]:
    return {
        claim.run_id: RunStatus.COMPLETED.value
        if claim.status is ClaimStatus.DONE
        else _HELD[process_identity.liveness(claim.owner)].value
        for _, claim in doc.stages()
    }


def _row(key: str, path: str, branch: str, status: ClaimStatus, owner: Owner | None, run_id: str) -> WorktreeRow:
    if status is ClaimStatus.ACTIVE and run_id:
        shown = str(_HELD[process_identity.liveness(owner)])
    elif status is ClaimStatus.PROVISIONING and process_identity.liveness(owner) is Liveness.GONE:
        shown = str(RunStatus.INTERRUPTED)
    else:
        shown = str(status)
    return WorktreeRow(key, path, branch, shown, run_id, os.path.isdir(path))
