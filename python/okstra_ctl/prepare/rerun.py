"""`okstra run --again`: the next run of the same stage, in the same worktree.

Before anything is written, the claim is marked as being handed over and keeps the earlier run's claim. After a kill
that is undone, and the earlier run holds the stage as before. The commit point is the `active` mark: from then on the
new run holds the stage, with a higher epoch, so that the earlier one can't finish late.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from .. import git
from ..claims.ledger_file import next_epoch
from ..claims.registry_document import PreviousClaim, StageClaim
from ..errors import Refused
from ..names import IMPLEMENTATION, RunId, StageKey
from ..quoting import okstra_command
from ..runs.find import KnownRun, claim_run, roster_of
from ..runs.manifest import WorktreeFacts, choice_from_json
from ..runs.request import PrepareInputs, Request
from ..services import Services
from ..settings.roster import CUSTOM_PREFIX, MODEL_SLOTS
from ..sharing.elsewhere import ALONE, Shared
from ..sharing.joining import sharing_of, wanted_of
from ..stages.done import is_degraded
from ..status import ClaimStatus, Liveness, WorktreeStatus
from ..system import fsync as durability
from ..system import process_identity
from ..tasks.records import still_there
from ..worktrees import create, half_made
from ..worktrees.create import UndoStack
from . import prepare as bundle
from .folder import Draft
from .prepare import PreparedRun
from .request import resolve


class RerunOptions(NamedTuple):
    """What differs from the earlier run; empty: nothing does. `lead` is who leads it; empty: nobody yet."""

    workers: tuple[str, ...] = ()
    provider: str = ""
    budget_usd: str = ""
    fix_cycle: str = ""
    lead: str = ""
    quorum: str = ""
    wait_quota: str = ""


@durability.deferred_fsync()
def rerun(run: KnownRun, services: Services, options: RerunOptions) -> PreparedRun:
    """Prepares the next run of the same phase or stage, with the same workers and models unless `options` names others.

    Raises Refused (`run-alive`, `stage-not-held`), and all that `prepare_task_bundle` raises.
    """
    inputs = _inputs_of(run, options)
    key = run.id.stage_key
    if key is None or is_degraded(run):
        return bundle.prepare_task_bundle(inputs, services)
    request = resolve(inputs, services, remember=True)
    half_made.recover_task(request.key, services.registry.read(), request.checkout, services)
    held = _claim_to_take(run, key, services)
    sharing = sharing_of(request.project.root, request.key, services)
    shared = sharing.fetch() if sharing else ALONE
    with UndoStack() as undo:
        site = None if os.path.isdir(held.path) else _site(request, held)
        files = claim_run(request.task, IMPLEMENTATION, key.stage, at_least=shared.next_seq(key.stage))
        new = RunId(run.id.task, IMPLEMENTATION, key.stage, int(files.seq))
        token = sharing.new_token() if sharing else ""
        mine = _begin_to_take_over(key, held, new, request, services, shared, token, restores=site is not None)
        undo.unless(lambda: services.registry.is_finished(key, mine.token))
        undo.push(lambda: half_made.drop_unfinished(key, mine, services))
        if site is not None:
            create.restore(services.home, site, undo)
        status = WorktreeStatus.CREATED if site else WorktreeStatus.REUSED
        facts = WorktreeFacts(held.path, held.branch, held.base_commit, str(status))
        draft = Draft(new, files, request.plan_map.stage(key.stage), mine.epoch, facts, [f"rerun of {run.id}"])
        context = bundle.write_run(request, draft, services, undo)
        if sharing is not None and not sharing.claim(
            [wanted_of(key, mine, led=inputs.led_by_okstra)], digest=mine.plan_digest, plan=request.plan
        ):
            raise _taken_elsewhere(key)
        claim = _take_over(key, mine, services)
        undo.commit()
    warnings = bundle.append_started(key, claim, services)
    return bundle.record_prepared(request, draft, context, services, [], warnings)


def _inputs_of(run: KnownRun, options: RerunOptions) -> PrepareInputs:
    """The inputs that the run was prepared with, from its manifest, overridden by `options`."""
    others = bool(options.workers or options.provider)
    lead = run.manifest.get("lead")
    model = str(lead.get("model") or "") if isinstance(lead, dict) else ""
    models = {one.provider: one.model for one in roster_of(run) if one.provider in MODEL_SLOTS} if others else {}
    models |= {"lead": model} if model else {}
    requested = run.manifest.get("requested")
    kept = requested if isinstance(requested, dict) else {}
    related = kept.get("related_tasks")
    return PrepareInputs(
        project_root=run.project.root,
        project_id=run.id.task.project_id,
        task_group=run.id.task.task_group,
        task_id=run.id.task.task_id,
        task_type=run.id.task_type,
        approved_plan_path=run.plan_path,
        stage=str(run.id.stage) if run.id.stage else "auto",
        brief_path=str(kept.get("brief", "")),
        critic=str(kept.get("critic", "")),
        directive=str(kept.get("directive", "")),
        related_tasks=still_there(run.project, related) if isinstance(related, list) else (),
        clarification_response=str(kept.get("clarification_response", "")),
        pr_template_path=str(kept.get("pr_template_path", "")),
        budget_usd=options.budget_usd or str(kept.get("budget_usd", "")),
        fix_cycle=options.fix_cycle or str(kept.get("fix_cycle", "")),
        quorum=options.quorum or str(kept.get("quorum", "")),
        wait_quota=options.wait_quota or str(kept.get("wait_quota", "")),
        workers=options.workers,
        provider=options.provider,
        same=() if others else roster_of(run),
        models={slot: f"{CUSTOM_PREFIX}{name}" for slot, name in models.items()},
        lead=options.lead,
        led=bool(options.lead),
        handoff=choice_from_json(run.manifest.get("handoff")),
    )


def _claim_to_take(run: KnownRun, key: StageKey, services: Services) -> StageClaim:
    """The stage's claim, if this run has it and nobody drives it. Raises Refused."""
    claim = services.registry.read().stage(key)
    if claim is None or claim.run_id != str(run.id):
        holder = f"{claim.run_id} holds it" if claim else "nobody holds it: start it with `okstra run --stage`"
        raise Refused("stage-not-held", f"{run.id} does not hold its stage; {holder}", where=str(key))
    live = process_identity.liveness(claim.owner)
    if claim.owner is not None and live in (Liveness.ALIVE, Liveness.UNKNOWN):
        raise Refused(
            "run-alive",
            f"process {claim.owner.pid} on {claim.owner.host} drives {run.id}",
            where=str(key),
            hint="end it first; then rerun",
        )
    return claim


def _site(request: Request, held: StageClaim) -> create.Site:
    """The stage's worktree, recreated on its branch if its folder was removed or lost."""
    at = git.branch_commit(request.checkout.top, held.branch)
    if at is None:
        raise Refused(
            "stage-not-held",
            f"the stage's worktree and its branch {held.branch} are both gone",
            where=held.path,
            hint=f"{okstra_command('stage', 'release', '--run', held.run_id)}, then start the stage anew",
        )
    return create.Site(request.checkout, held.path, held.branch, at, held.token, restores=True)


def _begin_to_take_over(
    key: StageKey,
    held: StageClaim,
    new: RunId,
    request: Request,
    services: Services,
    shared: Shared,
    token: str,
    *,
    restores: bool,
) -> StageClaim:
    """Reserves the stage for the new run. Raises Refused (`stage-not-held`) when another command was quicker."""
    with services.registry.transaction() as doc:
        _require_unchanged(doc.stage(key), held, key)
        task = doc.task(key.task)
        epoch = max(next_epoch(doc, key, request.plan), shared.next_epoch(key.stage))
        claim = held._replace(
            run_id=str(new),
            epoch=epoch,
            status=ClaimStatus.PROVISIONING,
            owner=process_identity.this_process(),
            reserved_at=services.clock.now(),
            plan_digest=request.plan_map.digest,
            restores=restores,
            before=PreviousClaim.of(held),
            remote_token=token,
            proven="",
        )
        doc.put_stage(key, claim)
        if task is not None:
            doc.put_task(key.task, task._replace(epochs={**task.epochs, key.stage: epoch}))
    return claim


def _take_over(key: StageKey, mine: StageClaim, services: Services) -> StageClaim:
    """The commit point."""
    with services.registry.transaction() as doc:
        _require_unchanged(doc.stage(key), mine, key)
        owner = process_identity.nearest_client()
        claim = mine._replace(status=ClaimStatus.ACTIVE, owner=owner, restores=False, before=None)
        doc.put_stage(key, claim)
    return claim


def _taken_elsewhere(key: StageKey) -> Refused:
    return Refused(
        "stage-not-held",
        f"another machine took stage {key.stage} meanwhile",
        where=str(key),
        hint="nothing was changed here; okstra stage list shows who has it",
    )


def _require_unchanged(found: StageClaim | None, expected: StageClaim, key: StageKey) -> None:
    if found != expected:
        raise Refused(
            "stage-not-held", "another command changed the stage meanwhile", where=str(key), hint="look again"
        )
