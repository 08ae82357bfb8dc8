"""`okstra stage release`: gives a stage back. Its branch remains; its worktree is removed once nothing in it can be
lost."""

from __future__ import annotations

from typing import NamedTuple

from .. import git, leadership
from ..claims import ledger
from ..claims.ledger import ledger_path
from ..claims.ledger_rows import DONE_ROWS, LedgerRow, row_id
from ..claims.registry_document import StageClaim
from ..errors import Refused
from ..index import store as run_index
from ..names import StageKey
from ..quoting import okstra_command
from ..runs.find import KnownRun
from ..services import Services
from ..status import LedgerStatus, Liveness
from ..system.owner import liveness
from ..tasks import records as task_records
from ..worktrees import half_made
from ..worktrees.remove import save_and_remove
from ..worktrees.unsaved import SavePolicy
from .done import is_degraded, newest_row, require_claim, require_degraded_claim


class StageReleased(NamedTuple):
    """`branch` is the one that has the stage's commits; empty when there is none. `kept` as in `Removed`."""

    run_id: str
    stage: int
    branch: str
    kept: str
    warnings: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    """The ignored files, which were removed with the worktree."""


def release_stage(run: KnownRun, services: Services, *, force: bool, note: str = "") -> StageReleased:
    """Raises Refused when the run is alive or the worktree has unsaved work, unless forced.

    Forced, uncommitted and untracked files are kept by a ref under `refs/okstra/kept/`.
    """
    key = run.id.stage_key
    if key is None:
        raise Refused("stage-not-held", f"{run.id} is not a stage's run", where=str(run.id))
    if not force:
        leadership.check_owner(run, leadership.owner_in(run, run.manifest))
    at = services.clock.now()
    if is_degraded(run):
        row = _released_row(run, key, at, run.base_commit, note)
        with services.registry.transaction():
            require_degraded_claim(run)
            ledger.append(ledger_path(run.plan_path), [row])
        return StageReleased(str(run.id), key.stage, "", "", _record_released(run, at, services))
    current = services.registry.read().stage(key)
    if current is not None and (current.before or current.restores) and half_made.is_abandoned(current):
        half_made.undo(key, current, services)  # a rerun or restore was killed
        current = services.registry.read().stage(key)
    if current is not None and current.run_id == str(run.id) and half_made.is_abandoned(current):
        half_made.undo(key, current, services)  # killed while being prepared or released
        branch = git.existing_branch(current.project_root, current.branch)
        return StageReleased(str(run.id), key.stage, branch, "", _record_released(run, at, services))
    claim = require_claim(run, current)
    _check_not_recorded_as_done(run)
    _check_nobody_works(run, claim, force=force)
    head = git.branch_commit(claim.project_root, claim.branch) or claim.base_commit
    row = _released_row(run, key, at, head, note)
    rows = [half_made.started_row_of(key, claim), row]
    saved = save_and_remove(
        key,
        claim,
        services,
        SavePolicy(force),
        at_intent=lambda _: ledger.append(ledger_path(run.plan_path), rows),
    )
    branch = git.existing_branch(claim.project_root, claim.branch)
    return StageReleased(str(run.id), key.stage, branch, saved.ref, _record_released(run, at, services), saved.ignored)


def _released_row(run: KnownRun, key: StageKey, at: str, head: str, note: str) -> LedgerRow:
    return LedgerRow(
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


def _check_not_recorded_as_done(run: KnownRun) -> None:
    """A `stage done` that was killed between its row and the claim counts as done: the row decides."""
    row = newest_row(run)
    if row is not None and row.run_id == str(run.id) and row.status in DONE_ROWS:
        raise Refused(
            "stage-done",
            f"stage {run.id.stage} is done already",
            where=ledger_path(run.plan_path),
            hint=f"{okstra_command('stage', 'done', '--run', run.id)} finishes the killed command",
        )


def _check_nobody_works(run: KnownRun, claim: StageClaim, *, force: bool) -> None:
    if force:
        return
    leadership.check_owner(run, claim.owner)
    if claim.owner is not None and liveness(claim.owner) is Liveness.UNKNOWN:
        raise Refused(
            "worktree-held",
            f"process {claim.owner.pid} on {claim.owner.host} may still work on {claim.run_id}",
            where=claim.path,
            hint="end it first, or release with --force",
        )


def _record_released(run: KnownRun, at: str, services: Services) -> tuple[str, ...]:
    news = task_records.RunNews(run.id, "released", at, okstra_command("stage", "list", "--plan", run.plan_path))
    row = run_index.IndexRow(
        str(run.id), "released", at, run.id.task_type, run.id.stage, run.project.root, run.files.manifest
    )
    warnings = [task_records.try_record(run.project, news), run_index.try_append(services.home, row)]
    return tuple(warning for warning in warnings if warning)
