"""Runs that hold a stage and that the central index does not know: they died before they could tell it."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.identity import RunId
from ...core.paths import ProjectFiles
from ...core.registry_doc import RegistryDoc, StageClaim
from ...words.statuses import ClaimStatus
from .. import run_index
from ..doors import Doors
from .findings import Found, Kind


def not_indexed(doc: RegistryDoc, doors: Doors) -> Iterator[Found]:
    known = {row["run_id"] for row in run_index.newest_rows(doors.home, run_index.EVERYTHING)}
    for _, claim in doc.stages():
        if claim.run_id not in known and claim.status is not ClaimStatus.PROVISIONING:
            yield _missing(claim, doors)


def _missing(claim: StageClaim, doors: Doors) -> Found:
    def tell() -> str:
        run = RunId.parse(claim.run_id)
        manifest = ProjectFiles(claim.project_root).task(run.task).run_of(run).manifest
        run_index.append(
            doors.home,
            run_index.IndexRow(
                claim.run_id, "prepared", claim.reserved_at, run.task_type, run.stage, claim.project_root, manifest
            ),
        )
        return "added to the index"

    return Found(Kind.NOT_INDEXED, claim.run_id, "the index of runs lacks it", "okstra reconcile --apply", tell)
