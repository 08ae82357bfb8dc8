"""`okstra stage done`: a stage counts as done once its exit check ran green on clean, planned commits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .. import git, leadership
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import LedgerRow, overruled_row, row_id
from ..claims.registry_document import StageClaim
from ..errors import Refused, Unreadable, UsageError
from ..index import run_index
from ..paths import OKSTRA_DIR
from ..plan.approvals import InForce
from ..plan.globs import matches
from ..plan.model import Stage
from ..proof.rules import Outcome
from ..quarantine.recover import take_abandoned
from ..quoting import okstra_command
from ..runs import events
from ..runs.find import KnownRun, stage_of
from ..seals import store as seals
from ..services import Services
from ..status import ClaimStatus, LedgerStatus
from ..system.process_identity import this_process
from ..tasks import records as task_records
from ..worktrees import half_made
from ..worktrees.unsaved import how_git_shows
from .exit_check import EXIT_CHECK_LOG, DoneOverrides, Supervision, check_unmoved, run_exit_check
from .publication import publish, publish_end
from .records import led_run_fault, note_overrules_in_report, require_gates_passed


class StageDone(NamedTuple):
    run_id: str
    stage: int
    head_commit: str
    commits: int
    exit_check: str
    log: str
    out_of_plan: tuple[str, ...]
    warnings: tuple[str, ...]
    overrule: str = ""
    proof: str = ""
    doubt: str = ""
    """Why a person should look at the proof all the same."""


FolderOf = Callable[[KnownRun, Services], str]
"""Returns the folder that the run works in, if the run may work on the stage."""


def finish_stage(
    run: KnownRun,
    options: DoneOverrides,
    services: Services,
    watch: Supervision = Supervision(),  # noqa: B008 (a value)
) -> StageDone:
    """`okstra stage done`, after checking that the caller may. Raises as `close_stage`, and Refused (`run-is-led`,
    `gates-not-passed`), UsageError for an `overrule` where no gate is in the way."""
    leadership.check_owner(run, leadership.owner_in(run, run.manifest))
    take_abandoned(services.home, run_id=str(run.id))  # what its executor committed when its okstra was killed
    fault = led_run_fault(run.manifest)
    if fault and not options.overrule:
        require_gates_passed(run)
    if options.overrule and not fault:
        message = f"there is nothing to overrule: no gate of {run.id} is in the way"
        raise UsageError("usage", message, hint=okstra_command("stage", "done", "--run", run.id))
    if not options.overrule:
        done = close_stage(run, options, services, watch)
        warning = seals.try_seal_stage(run, services)
    else:
        with seals.resealed(run, services):
            done = close_stage(run, options, services, watch)
            warning = note_overrules_in_report(run, services)
    unshared = publish_end(run, services, passed=False)
    warnings = (*done.warnings, *filter(None, (warning, unshared)))
    return done._replace(warnings=warnings, overrule=options.overrule)


def close_stage(
    run: KnownRun,
    options: DoneOverrides,
    services: Services,
    watch: Supervision = Supervision(),  # noqa: B008 (a value)
) -> StageDone:
    """Checks everything that a done stage needs, proves it outside every lock, and writes the `done` row.

    A stage that is recorded as done already is checked and recorded once more when a person overrules its gates.
    Raises Refused with what is missing, WorkFailed (`exit-check-failed`, `stage-unproven`).
    """
    again = bool(options.overrule) and is_recorded_done(run)
    approved = run.approved(services)
    checked = _check(run, approved, options, services, recorded_folder if again else require_claimed_folder, watch)
    seen = Seen(approved.stage_map.digest, checked.exit_check, checked.proof)
    warnings = record_done(run, checked.head_commit, options, services, seen)
    return checked._replace(warnings=(*checked.warnings, *warnings))


def check_recorded(run: KnownRun, options: DoneOverrides, services: Services, watch: Supervision) -> StageDone:
    """For a lead whose stage is recorded as done already: the same checks, on the recorded commit.

    Raises as `close_stage`.
    """
    row = newest_row(run)
    checked = _check(run, run.approved(services), options, services, recorded_folder, watch)
    if row is not None and row.head_commit != checked.head_commit:
        raise Refused(
            "head-moved",
            f"the stage was recorded as done at {row.head_commit[:12]}, and its HEAD is {checked.head_commit[:12]}",
            where=ledger_path(run.plan_path),
        )
    if all(row.get("event") != "done" for row in events.events_of(run.files)):
        record_done_event(run, services.clock.now(), services)
    return checked


def _check(
    run: KnownRun,
    approved: InForce,
    options: DoneOverrides,
    services: Services,
    folder_of: FolderOf,
    watch: Supervision,
) -> StageDone:
    stage = stage_of(approved.stage_map, run)
    worktree = folder_of(run, services)
    base = _base_of(run)
    head, commits, out_of_plan = check_commits(worktree, base, stage, options) if base else ("", 0, ())
    seen = run_exit_check(run, stage, (base, head), options, services, watch, approved.notes)
    folder_of(run, services)  # first: the worktree may belong to another run by now
    if head:
        check_unmoved(worktree, head)
    log = run.files.log(EXIT_CHECK_LOG)
    done = StageDone(str(run.id), stage.number, head, commits, stage.exit_check, log, out_of_plan, approved.notes)
    return done._replace(proof=str(seen.outcome), doubt=seen.doubt)


def _base_of(run: KnownRun) -> str:
    """Where the stage's commits begin; empty without git. A damaged manifest must not open a gate."""
    base = run.manifest.get("base_commit")
    if not isinstance(base, str) or not (base or is_degraded(run)):
        raise Unreadable("state-unreadable", "the run's manifest names no base commit", where=run.files.manifest)
    return base


class Seen(NamedTuple):
    """By what a stage is done: the digest of the plan, which differs from the run's own when a person approved a
    changed plan meanwhile; its exit check, and what that showed."""

    digest: str
    exit_check: str
    proof: str


def record_done(run: KnownRun, head: str, options: DoneOverrides, services: Services, seen: Seen) -> tuple[str, ...]:
    """Publishes the stage where machines share it, then writes the `done` row and what follows from it; returns
    warnings. Raises Refused (`stage-not-held`), and as `publish`."""
    at = services.clock.now()
    row = LedgerRow(
        id=row_id(str(run.id), run.epoch, LedgerStatus.DONE),
        impl_task_key=str(run.id.task),
        stage=run.id.stage or 0,
        status=LedgerStatus.DONE,
        at=at,
        run_id=str(run.id),
        epoch=run.epoch,
        plan_digest=seen.digest,
        head_commit=head,
        note=options.note,
        overrule=options.overrule,
        proof=seen.proof,
        unproven=options.unproven if seen.proof == Outcome.UNPROVEN else "",
    )
    key = run.id.stage_key
    claim = services.registry.read().stage(key) if key and not is_degraded(run) else None
    if claim is not None and claim.run_id == str(run.id) and claim.epoch == run.epoch:
        with _refusals_recorded(run, services):
            publish(run, claim, row, seen.exit_check, services)
    _record(run, row, services)
    return record_done_event(run, at, services)


def publish_again(run: KnownRun, row: LedgerRow, services: Services) -> None:
    """Publishes a stage that is recorded as done, with what is known of its gates now. Raises as `publish`."""
    key = run.id.stage_key
    claim = services.registry.read().stage(key) if key else None
    mine = claim is not None and (claim.run_id, claim.epoch) == (str(run.id), run.epoch)
    publish(run, claim if mine else None, row, "", services)


def require_claim(run: KnownRun, claim: StageClaim | None) -> StageClaim:
    """The claim, if it is this very run's. Raises Refused (`stage-not-held`): a run that was taken over can't
    finish."""
    if claim is None or claim.run_id != str(run.id) or claim.epoch != run.epoch:
        holder = f"; {claim.run_id} (epoch {claim.epoch}) holds it now" if claim else "; nobody holds it now"
        raise Refused(
            "stage-not-held",
            f"{run.id} (epoch {run.epoch}) does not hold its stage any more{holder}",
            where=str(run.id.stage_key),
            hint="its commits are safe on its branch; start the stage again to go on",
        )
    if claim.status is ClaimStatus.DONE:
        raise Refused("stage-done", f"stage {run.id.stage} is done already", where=str(run.id.stage_key))
    if claim.status is ClaimStatus.PROVISIONING:
        raise Refused("stage-not-held", f"{run.id} is still being prepared", where=str(run.id.stage_key))
    return claim


def is_degraded(run: KnownRun) -> bool:
    return run.degraded


def require_claimed_folder(run: KnownRun, services: Services) -> str:
    """The folder that the run works in. A refusal is recorded in the run's events."""
    with _refusals_recorded(run, services):
        return claimed_folder(run, services)


def claimed_folder(run: KnownRun, services: Services) -> str:
    """As `require_claimed_folder`, without recording a refusal. Raises Refused (`stage-not-held`, `stage-done`)."""
    if is_degraded(run):
        require_degraded_claim(run)
        return run.folder
    key = run.id.stage_key
    return require_claim(run, services.registry.read().stage(key) if key else None).path


@contextmanager
def _refusals_recorded(run: KnownRun, services: Services) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        events.append(run.files, "done-refused", services.clock.now(), run_id=str(run.id), reason=refused.message)
        raise


def require_degraded_claim(run: KnownRun) -> None:
    """As `require_claim`, where the ledger alone marks the stage. Raises Refused (`stage-not-held`, `stage-done`)."""
    row = newest_row(run)
    if row is None or row.run_id != str(run.id) or row.status is LedgerStatus.RELEASED:
        raise Refused("stage-not-held", f"{run.id} does not hold its stage", where=ledger_path(run.plan_path))
    if row.status is not LedgerStatus.STARTED:
        raise Refused("stage-done", f"stage {run.id.stage} is done already", where=ledger_path(run.plan_path))


def is_recorded_done(run: KnownRun) -> bool:
    """Whether the ledger records the stage as done by this very run."""
    row = newest_row(run)
    return row is not None and row.status is LedgerStatus.DONE and row.run_id == str(run.id)


def recorded_folder(run: KnownRun, services: Services) -> str:
    """As `require_claimed_folder`, for a stage that is recorded as done by this run. Raises Refused
    (`stage-not-held`)."""
    key = run.id.stage_key
    claim = services.registry.read().stage(key) if key and not is_degraded(run) else None
    if claim is not None and (claim.run_id, claim.epoch) != (str(run.id), run.epoch):
        require_claim(run, claim)
    return claim.path if claim else run.folder


def newest_row(run: KnownRun) -> LedgerRow | None:
    """The newest ledger row of the run's stage: under the run's plan, or the plan by which it was done since."""
    path = ledger_path(run.plan_path)
    view = ledger_file.read(path, task_key=str(run.id.task), plan_digest=run.plan_digest)
    done = ledger_file.row_named(path, row_id(str(run.id), run.epoch, LedgerStatus.DONE))
    return done if done is not None and done.plan_digest != run.plan_digest else view.newest.get(run.id.stage or 0)


def check_commits(worktree: str, base: str, stage: Stage, options: DoneOverrides) -> tuple[str, int, tuple[str, ...]]:
    """HEAD, how many commits the stage has, and files outside the plan. Raises Refused for each gate that is closed."""
    if not os.path.isdir(worktree):
        raise UsageError("not-found", "the stage's worktree is gone", where=worktree, hint="okstra worktree list")
    dirty = git.dirty_files(worktree)
    if dirty:
        raise Refused(
            "worktree-dirty",
            f"{len(dirty)} file(s) are uncommitted or untracked: {_some(dirty)}",
            where=worktree,
            hint="commit them, move them away, or list what tools make in .gitignore" + how_git_shows(worktree, dirty),
        )
    head = git.resolve(worktree, "HEAD") or ""
    if not git.is_ancestor(worktree, base, head):
        raise Refused("head-moved", f"HEAD {head[:12]} does not stem from the stage's base {base[:12]}", where=worktree)
    commits = git.commits_between(worktree, base, head)
    if commits == 0 and not options.no_change:
        raise Refused(
            "no-commit",
            "there is no commit beyond the stage's base",
            where=worktree,
            hint='commit the work, or pass --no-change "<why nothing was to be changed>"',
        )
    out_of_plan = out_of_plan_files(worktree, base, stage, head)
    if out_of_plan and not options.out_of_plan:
        raise Refused(
            "out-of-plan",
            f"commits touch files that the plan does not name for stage {stage.number}: {_some(out_of_plan)}",
            where=worktree,
            hint='take them out, or pass --out-of-plan "<why they belong>"',
        )
    return head, commits, out_of_plan


def out_of_plan_files(worktree: str, base: str, stage: Stage, head: str = "HEAD") -> tuple[str, ...]:
    """Files that the stage's commits touch and its plan does not name."""
    return tuple(name for name in git.changed_files(worktree, base, head) if not _is_planned(name, stage))


def _is_planned(name: str, stage: Stage) -> bool:
    """Files in okstra's own folder are never planned, whatever a glob matches."""
    return not name.startswith(f"{OKSTRA_DIR}/") and any(matches(pattern, name) for pattern in stage.files)


def _record(run: KnownRun, row: LedgerRow, services: Services) -> None:
    """The commit point: writes the row, under the registry lock, so that no take-over happens between check and row.

    A `started` row that a kill left out is written first.
    """
    key = run.id.stage_key
    with _refusals_recorded(run, services), services.registry.transaction() as doc:
        if row.overrule and is_recorded_done(run):
            recorded_folder(run, services)
            path = ledger_path(run.plan_path)
            further = overruled_row(row, ledger_file.rows_named(path, row.id))
            ledger_file.append(path, [further] if further else [])
            claim = doc.stage(key) if key else None
            if key and claim:  # killed between the row and the claim, or in the lead that went on
                doc.put_stage(key, _ended(claim, row))
            return
        if key is None or is_degraded(run):
            require_degraded_claim(run)
            ledger_file.append(ledger_path(run.plan_path), [row])
            return
        claim = require_claim(run, doc.stage(key))
        leadership.check_owner(run, claim.owner)  # whoever took the lead meanwhile finishes it
        ledger_file.append(ledger_path(run.plan_path), [half_made.started_row_of(key, claim), row])
        me = this_process()  # a lead that goes on to write the run's report there
        owner = me if claim.owner == me else None
        doc.put_stage(key, _ended(claim, row)._replace(owner=owner))


def _ended(claim: StageClaim, row: LedgerRow) -> StageClaim:
    return claim._replace(status=ClaimStatus.DONE, owner=None, plan_digest=row.plan_digest, proven="")


def record_done_event(run: KnownRun, at: str, services: Services) -> tuple[str, ...]:
    """Records `done` in the task's record, the index and the events; returns warnings. The event is last: without it,
    a kill left some out."""
    news = task_records.RunNews(run.id, "done", at, okstra_command("stage", "list", "--plan", run.plan_path))
    row = run_index.IndexRow(
        str(run.id), "done", at, run.id.task_type, run.id.stage, run.project.root, run.files.manifest
    )
    warnings = [task_records.try_record(run.project, news), run_index.try_append(services.home, row)]
    events.append(run.files, "done", at, run_id=str(run.id))
    return tuple(warning for warning in warnings if warning)


def _some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
