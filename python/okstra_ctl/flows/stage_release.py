"""`okstra stage release`: gives a stage back. Its branch stays; its worktree goes once nothing in it can be lost."""

from __future__ import annotations

from typing import NamedTuple

from ..core.ledger import LedgerRow, row_id
from ..core.registry_doc import StageClaim
from ..edges import git, process_identity
from ..edges import ledger as ledger_edge
from ..words.errors import Refused
from ..words.statuses import LedgerStatus, Liveness
from . import run_index, task_records
from .doors import Doors
from .runs import KnownRun
from .stage_done import is_degraded, require_claim
from .stage_records import ledger_path
from .worktree_removal import Keeping, remove_folder


class StageReleased(NamedTuple):
    run_id: str
    stage: int
    branch: str
    kept: str
    warnings: tuple[str, ...]


def release_stage(run: KnownRun, doors: Doors, *, force: bool, note: str = "") -> StageReleased:
    """Raises Refused: a live run is not robbed, uncommitted work is not thrown away, unless forced.

    Forced, uncommitted and untracked files are kept by a ref under `refs/okstra/kept/`.
    """
    key = run.id.stage_key
    if key is None:
        raise Refused("stage-not-held", f"{run.id} is no stage's run", where=str(run.id))
    kept, branch, head = "", "", str(run.manifest.get("base_commit", ""))
    if not is_degraded(run):
        claim = require_claim(run, doors.registry.read().stage(key))
        _check_nobody_works(claim, force=force)
        branch = claim.branch
        head = git.branch_commit(claim.project_root, branch) or head
        kept = remove_folder(claim.path, claim.project_root, str(key), doors, Keeping(force=force))
    at = doors.clock.now()
    row = LedgerRow(
        id=row_id(str(run.id), run.epoch, LedgerStatus.RELEASED),
        impl_task_key=str(run.id.task),
        stage=key.stage,
        status=LedgerStatus.RELEASED,
        at=at,
        run_id=str(run.id),
        epoch=run.epoch,
        plan_digest=run.plan_digest,
        head_commit=head,
        note=note,
    )
    with doors.registry.transaction() as doc:
        if not is_degraded(run):
            require_claim(run, doc.stage(key))
        ledger_edge.append(ledger_path(run.plan_path), [row])
        doc.remove_stage(key)
    return StageReleased(str(run.id), key.stage, branch, kept, _tell(run, at, doors))


def _check_nobody_works(claim: StageClaim, *, force: bool) -> None:
    live = process_identity.liveness(claim.owner)
    if live in (Liveness.ALIVE, Liveness.UNKNOWN) and not force and claim.owner is not None:
        raise Refused(
            "worktree-held",
            f"process {claim.owner.pid} on {claim.owner.host} works on {claim.run_id}",
            where=claim.path,
            hint="end it first, or release with --force",
        )


def _tell(run: KnownRun, at: str, doors: Doors) -> tuple[str, ...]:
    news = task_records.RunNews(run.id, "released", at, f"okstra stage list --plan {run.plan_path}")
    row = run_index.IndexRow(
        str(run.id), "released", at, run.id.task_type, run.id.stage, run.project.root, run.files.manifest
    )
    told = [task_records.record_softly(run.project, news), run_index.append_softly(doors.home, row)]
    return tuple(warning for warning in told if warning)
