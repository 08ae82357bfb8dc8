"""`prepare_task_bundle`: how every run is prepared.

Its commit point is the reservation's `active` mark (for a run without a reservation, its manifest). Before
it, an error takes everything back, and a crash leaves a `provisioning` claim that the next command undoes.
What follows it (ledger row, task records, index) is derived, and rewritten if it is missing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from .. import __version__
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.registry_document import StageClaim, TaskClaim
from ..errors import OkstraError, WorkFailed
from ..index import run_index
from ..names import HANDOFF, IMPLEMENTATION, Owner, RunId, StageKey
from ..paths import RunFiles
from ..plan.model import Stage
from ..quoting import okstra_command
from ..runs.find import claim_run
from ..runs.manifest import RunFacts, WorktreeFacts, new_manifest
from ..runs.request import PrepareInputs, Request
from ..services import Services, ensure_home, open_services
from ..settings.project import hide_runs
from ..settings.roster import report_writer_note
from ..sharing.signs_of_life import signs_for_stage
from ..status import ClaimStatus, RunStatus, WorktreeStatus, next_step
from ..system import files, process_identity
from ..system import fsync as durability
from ..system.locks import LockKind, locked
from ..system.text import text_bytes
from ..tasks import fix_cycles
from ..tasks import records as task_records
from ..tasks.titles import title_in
from ..worktrees import create, half_made
from ..worktrees import task as task_worktree
from ..worktrees import users as worktree_users
from ..worktrees.create import UndoStack
from ..worktrees.populate import populate_worktree
from . import folder as run_folder
from .folder import Draft, StageSelection, stage_selection
from .request import resolve

if TYPE_CHECKING:
    from ..stages.claim import Reservation  # imported where a stage is reserved: most phases have none

_NO_BRANCH = ""


class PreparedRun(NamedTuple):
    """A run that is ready to be led. `ctx` maps the names of run-context.json to paths and facts."""

    run: RunId
    files: RunFiles
    ctx: dict[str, str]
    stage: Stage | None
    epoch: int
    worktree: WorktreeFacts
    next: tuple[str, ...]
    repaired: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def selection(self) -> StageSelection | None:
        """The stage of an implementation run."""
        return stage_selection(self.stage, self.worktree) if self.stage else None


@durability.deferred_fsync()
def prepare_task_bundle(inputs: PrepareInputs, services: Services | None = None) -> PreparedRun:
    """Prepares one run: worktree, run folder, manifest, ledger row, index row.

    Raises OkstraError in all its kinds; then nothing of the run is left, and nothing else was touched.
    """
    services = services or open_services()
    ensure_home(services.home)
    request = resolve(inputs, services, remember=True)
    if request.degraded is None:
        task_worktree.check_same_project(request, services.registry.read().task(request.key), services)
    ensure_task(request, services)
    if request.degraded is not None:
        return _prepare_degraded(request, services, request.degraded)
    doc = services.registry.read()
    repaired = half_made.recover_task(request.key, doc, request.checkout, services)
    if request.stage_map is not None:
        half_made.append_missing_started_rows(request.key, doc)
        return _prepare_stage(request, services, repaired, known=doc.task(request.key))
    return _prepare_in_task_worktree(request, services, repaired)


def ensure_task(request: Request, services: Services, *, next_step: str = "") -> None:
    """Writes a new task's brief, then its records: after a kill in between, the task's next run finds the brief.
    `next_step` is how a new task goes on if this command is killed."""
    paths, task = request.project.files, request.task
    if request.brief_is_new:
        hide_runs(paths)
        with locked(LockKind.INDEX, paths.lock):
            files.make_folder(os.path.dirname(task.brief))
            files.replace(task.brief, text_bytes(request.brief_text))
    own = request.brief == task.brief
    brief = os.path.relpath(task.brief, paths.root) if own else request.brief
    title, at = title_in(request.brief_text), services.clock.now()
    task_records.ensure_task(
        paths, request.key, category=request.category, brief=brief, at=at, title=title, next_step=next_step
    )


def _prepare_stage(
    request: Request, services: Services, repaired: list[str], *, known: TaskClaim | None
) -> PreparedRun:
    from ..stages.claim import drop_reservation, preview_claim

    if known is None:
        preview_claim(request, services)  # refuse before the first worktree is made, not after
    log = os.path.join(request.task.run_dir(IMPLEMENTATION), "logs", "task-worktree-setup.log")
    task_worktree.ensure(request, services, log, known=known)
    with UndoStack() as undo:
        held = _reserve(request, services, log)
        claim = held.registered
        undo.unless(lambda: services.registry.is_finished(held.key, claim.token))
        undo.push(lambda: drop_reservation(held, services))
        token = claim.remote_token if request.inputs.led_by_okstra else ""
        with signs_for_stage(held.key, token, request.project.root, services, at_once=False):
            draft, context = _make_worktree(request, held, services, undo)
        _activate(held, services)
        undo.commit()
    warnings = append_started(held.key, claim, services)
    return record_prepared(request, draft, context, services, repaired, warnings)


def _make_worktree(
    request: Request, held: Reservation, services: Services, undo: UndoStack
) -> tuple[Draft, dict[str, str]]:
    """The stage's worktree, with what the project's set-up commands make, and the run's folder and manifest."""
    claim = held.registered
    site = create.Site(request.checkout, claim.path, claim.branch, claim.base_commit, claim.token)
    checkout = create.begin(services.home, site, undo)
    create.put_on_branch(site)
    facts = WorktreeFacts(claim.path, claim.branch, claim.base_commit, str(WorktreeStatus.CREATED))
    draft = Draft(held.run, held.files, held.stage, held.epoch, facts, [])
    context = run_folder.compute_and_write_run_context(request, draft, services.clock.now(), undo)
    create.await_files(checkout)
    draft.notes.extend(
        populate_worktree(
            request.checkout.top,
            claim.path,
            request.project.config,
            held.files.log("worktree-setup"),
            services,
            str(held.run),
            place=str(held.key),
        )
    )
    _write_manifest(request, draft, services, undo)
    return draft, context


def _reserve(request: Request, services: Services, log: str) -> Reservation:
    """The stage; `okstra gc` may take the task's worktree away until it is reserved."""
    from ..stages.claim import TaskWorktreeGone, reserve_stage

    while True:
        try:
            return reserve_stage(request, services)
        except TaskWorktreeGone:
            task_worktree.ensure(request, services, log)


def _prepare_in_task_worktree(request: Request, services: Services, repaired: list[str]) -> PreparedRun:
    with UndoStack() as undo:
        paths = claim_run(request.task, request.phase.task_type)
        run = RunId(request.key, request.phase.task_type, None, int(paths.seq))
        undo.push(lambda: _leave_worktree(run, services))
        claim, status, notes = task_worktree.ensure(request, services, paths.log("worktree-setup"), run=run)
        draft = Draft(run, paths, None, 0, _task_facts(claim, status), notes)
        context = write_run(request, draft, services, undo)
        _enter_worktree(run, services)
        undo.commit()
    return record_prepared(request, draft, context, services, repaired, [])


def _enter_worktree(run: RunId, services: Services) -> None:
    """Makes the prepared run itself, and no longer this process, a user of the task's worktree.

    If this process is killed before, the run's owner is gone: it does not keep the worktree, and can be resumed.
    """
    with services.registry.transaction() as doc:
        worktree_users.begin_use(doc, run, _lead(), services)


def _leave_worktree(run: RunId, services: Services) -> None:
    with services.registry.transaction() as doc:
        worktree_users.end_use(doc, run, services, completed=False)


def _prepare_degraded(request: Request, services: Services, status: WorktreeStatus) -> PreparedRun:
    """A run in the project root: no worktree, no branch (docs/design/reservation.md)."""
    head = request.repository.head if request.repository else ""
    facts = WorktreeFacts(request.project.root, _NO_BRANCH, head, str(status))
    with UndoStack() as undo:
        if request.stage_map is not None:
            from ..stages.claim import reserve_degraded

            held = reserve_degraded(request, services)
            draft = Draft(held.run, held.files, held.stage, held.epoch, facts, [])
        else:
            paths = claim_run(request.task, request.phase.task_type)
            run = RunId(request.key, request.phase.task_type, None, int(paths.seq))
            draft = Draft(run, paths, None, 0, facts, [])
        context = write_run(request, draft, services, undo)
        undo.commit()
    return record_prepared(request, draft, context, services, [], [])


def write_run(request: Request, draft: Draft, services: Services, undo: UndoStack) -> dict[str, str]:
    """Writes a run's folder and, last, its manifest; returns its context. Raises WorkFailed, Missing."""
    context = run_folder.compute_and_write_run_context(request, draft, services.clock.now(), undo)
    _write_manifest(request, draft, services, undo)
    return context


def _write_manifest(request: Request, draft: Draft, services: Services, undo: UndoStack) -> None:
    facts = RunFacts(
        run=draft.run,
        project_root=request.project.root,
        plan=request.plan,
        plan_digest=request.stage_map.digest if request.stage_map else "",
        epoch=draft.epoch,
        worktree=draft.worktree,
        roster=request.roster,
        lead=request.inputs.lead or "none",
        owner=_lead(),
        lead_model=request.lead_model,
        okstra_version=__version__,
        prepared_at=services.clock.now(),
        rehearsal=any(worker.provider == "rehearsal" for worker in request.roster),
        requested=_requested(request, draft.files),
        notes=draft.notes,
        handoff=request.inputs.handoff.to_json() if draft.run.task_type == HANDOFF else None,
    )
    files.make_folder(os.path.dirname(draft.files.manifest))
    undo.push(lambda: files.discard(draft.files.manifest))
    files.replace_json(draft.files.manifest, new_manifest(facts))


def _requested(request: Request, paths: RunFiles) -> dict[str, object]:
    """The inputs that only the lead can carry out, recorded for whoever leads the run.

    A person's answers are named by the run's own copy: the original file may be gone by a rerun.
    """
    inputs = request.inputs
    return {
        "brief": inputs.brief_path,
        "directive": inputs.directive,
        "critic": inputs.critic,
        "related_tasks": list(inputs.related_tasks),
        "clarification_response": paths.user_response if request.answers else "",
        "pr_template_path": inputs.pr_template_path,
        "budget_usd": inputs.budget_usd,
        "fix_cycle": inputs.fix_cycle,
        **({"quorum": inputs.quorum} if inputs.quorum else {}),
        **({"wait_quota": inputs.wait_quota} if inputs.wait_quota else {}),
    }


def _lead() -> Owner | None:
    """The run's lead: the agent client in whose session this runs, or nobody yet (docs/how-to/recover.md)."""
    return process_identity.nearest_client()


def _activate(held: Reservation, services: Services) -> None:
    """The commit point."""
    with services.registry.transaction() as doc:
        claim = doc.stage(held.key)
        if claim is None or claim.token != held.registered.token or claim.status is not ClaimStatus.PROVISIONING:
            raise WorkFailed("worktree-not-created", "the reservation was taken away", where=str(held.key))
        doc.put_stage(held.key, claim._replace(status=ClaimStatus.ACTIVE, owner=_lead()))


def _task_facts(claim: TaskClaim, status: WorktreeStatus) -> WorktreeFacts:
    return WorktreeFacts(claim.path, claim.branch, claim.base_commit, str(status))


def append_started(key: StageKey, claim: StageClaim, services: Services) -> list[str]:
    """Writes the ledger row that follows from the claim. A failure is returned as a warning: the run is complete."""
    try:
        ledger_file.append(ledger_path(claim.plan), [half_made.started_row_of(key, claim)])
    except OkstraError as error:
        return [f"the ledger could not be written: {error.message}; the next run of this task writes the row"]
    return []


def record_prepared(
    request: Request,
    draft: Draft,
    context: dict[str, str],
    services: Services,
    repaired: list[str],
    warnings: list[str],
) -> PreparedRun:
    """Updates the task's records and the index, which are derived, and returns the result."""
    following = next_commands(draft.run)
    at = services.clock.now()
    inputs = request.inputs
    news = task_records.RunNews(
        draft.run, "prepared", at, following[0], fix_cycle=inputs.fix_cycle, related=inputs.related_tasks
    )
    row = run_index.IndexRow(
        str(draft.run), "prepared", at, draft.run.task_type, draft.run.stage, request.project.root, draft.files.manifest
    )
    warnings = [
        *request.notes,
        *warnings,
        *report_writer_note(request.roster, inputs.workers, inputs.report_writer),
        task_records.try_record(request.project.files, news, worktree=draft.worktree.path),
        run_index.try_append(services.home, row),
        fix_cycles.unused_fix_cycle_warning(request.task, str(draft.run), inputs.fix_cycle),
    ]
    return PreparedRun(
        draft.run,
        draft.files,
        context,
        draft.stage,
        draft.epoch,
        draft.worktree,
        following,
        tuple(repaired),
        tuple(warning for warning in warnings if warning),
    )


def next_commands(run: RunId) -> tuple[str, ...]:
    """Commands to paste once the run has done its work."""
    if run.stage is None:
        return (next_step(RunStatus.PREPARED, str(run), stage=False),)
    return (next_step(RunStatus.RESERVED, str(run), stage=True), okstra_command("stage", "release", "--run", run))
