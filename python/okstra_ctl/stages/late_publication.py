"""`okstra stage publish`: what `okstra stage done`, or a led run, could not let other machines know."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import Refused, UsageError
from ..quoting import okstra_command
from ..runs.find import KnownRun, stage_of
from ..services import Services
from ..sharing.joining import sharing_of
from ..system import files
from .done import (
    Seen,
    check_commits,
    is_degraded,
    is_recorded_done,
    newest_row,
    publish_again,
    record_done,
    require_claimed_folder,
)
from .exit_check import EXIT_CHECK_SCHEMA, proof_of, reasons_of
from .records import led_run_fault


class Published(NamedTuple):
    run_id: str
    task_key: str
    stage: int
    head_commit: str
    next: str
    """What finishes a led run that ended without its gates; empty where nothing is left to do."""
    warnings: tuple[str, ...]


def publish_stage(run: KnownRun, services: Services) -> Published:
    """Publishes the stage, and records it as done if it is not yet. Repeating it is harmless.

    Raises UsageError (`not-found`) where nothing is shared, Refused (`stage-not-held`, `head-moved`, and as
    `check_commits`), and what `SharedClaims` raises.
    """
    sharing = sharing_of(run.project.root, run.id.task, services)
    if run.id.stage is None or sharing is None or is_degraded(run):
        raise UsageError("not-found", f"{run.id} is no run of a stage that machines share", where=run.project.root)
    if is_recorded_done(run):
        row = newest_row(run)
        assert row is not None
        publish_again(run, row, services)
        return Published(str(run.id), str(run.id.task), run.id.stage, row.head_commit, _step_after(run), ())
    worktree = require_claimed_folder(run, services)
    check = files.read_json(run.files.exit_check, EXIT_CHECK_SCHEMA)
    claim = services.registry.read().stage(run.id.stage_key) if run.id.stage_key else None
    if check is None or claim is None or not claim.proven or claim.proven != check.get("commit"):
        hint = okstra_command("stage", "done", "--run", run.id)
        raise Refused(
            "stage-not-held", f"{run.id} has proven nothing that is not published", where=str(run.id), hint=hint
        )
    approved = run.approved(services).stage_map
    stage, options = stage_of(approved, run), reasons_of(check, overrule=True)
    head, _, _ = check_commits(worktree, run.base_commit, stage, options)
    if head != claim.proven:
        raise Refused(
            "head-moved",
            f"its exit check passed at {claim.proven[:12]}, and the worktree is at {head[:12]}",
            where=worktree,
            hint=f"{okstra_command('stage', 'done', '--run', run.id)} checks what is there now",
        )
    seen = Seen(approved.digest, stage.exit_check, proof_of(check))
    warnings = record_done(run, head, options, services, seen)
    return Published(str(run.id), str(run.id.task), run.id.stage, head, _step_after(run), warnings)


def _step_after(run: KnownRun) -> str:
    return okstra_command("resume", run.id) if led_run_fault(run.manifest) else ""
