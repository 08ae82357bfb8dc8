"""Public names: making worktrees. The code is in `worktrees/create.py` and `prepare/`."""

from __future__ import annotations

import os
from typing import NamedTuple

from . import git
from .claims.ledger_file import next_epoch
from .claims.registry_document import StageClaim, TaskClaim
from .errors import Refused, UsageError, WorkFailed
from .names import CATEGORY_PREFIXES, IMPLEMENTATION, RunId, StageKey, TaskKey, stage_branch, task_branch
from .plan import plans
from .runs.find import claim_run
from .services import Services, ensure_home, open_services
from .settings.project import Project, load_project
from .status import ClaimStatus, WorktreeStatus
from .system import process_identity
from .worktrees import create
from .worktrees.create import UndoStack, lock_reason
from .worktrees.task import ensure as provision_task_worktree


class StageWorktree(NamedTuple):
    """A stage's worktree as `provision_stage_worktree` made it; `base_ref` is the commit that it started from."""

    path: str
    branch: str
    base_ref: str
    status: str
    note: str


def provision_stage_worktree(
    *,
    project_root: str | os.PathLike[str],
    project_id: str,
    task_group_segment: str,
    task_id_segment: str,
    work_category: str,
    stage_number: int,
    base_commit: str,
) -> StageWorktree:
    """Reserves a stage that is already chosen, in one registry transaction, and makes its worktree from that commit.

    The task must have a plan and a worktree. Choosing is `prepare_task_bundle`'s, which most callers want. Raises
    UsageError (`bad-identity`, `not-found`, `usage`), Refused (`stage-reserved`, `branch-exists`), WorkFailed, Busy;
    then nothing of the worktree is left.
    """
    services = open_services()
    ensure_home(services.home)
    project = load_project(os.path.realpath(project_root), services)
    key = StageKey(TaskKey.make(project_id, task_group_segment, task_id_segment), stage_number)
    if work_category not in CATEGORY_PREFIXES:
        raise UsageError("usage", f"there is no work category {work_category!r}", hint=", ".join(CATEGORY_PREFIXES))
    repository = git.discover(project.root)
    if repository is None:
        return StageWorktree("", "", "", str(WorktreeStatus.SKIPPED_NO_GIT), "not a git repository")
    with UndoStack() as undo:
        claim = _reserve(key, project, work_category, base_commit, services)
        undo.unless(lambda: services.registry.is_finished(key, claim.token))
        undo.push(lambda: _put(key, claim, services, None))
        site = create.Site(repository, claim.path, claim.branch, claim.base_commit, claim.token)
        checkout = create.begin(services.home, site, undo)
        create.put_on_branch(site)
        create.await_files(checkout)
        _put(key, claim, services, claim._replace(status=ClaimStatus.ACTIVE, owner=process_identity.nearest_client()))
        undo.commit()
    return StageWorktree(claim.path, claim.branch, claim.base_commit, str(WorktreeStatus.CREATED), claim.run_id)


def _reserve(key: StageKey, project: Project, category: str, base_commit: str, services: Services) -> StageClaim:
    task = project.files.task(key.task)
    plan = plans.latest(task)
    stage_map = plans.check(plan).stage_map if plan else None
    if plan is None or stage_map is None:
        raise UsageError(
            "not-found", f"{key.task} has no plan with stages", hint="okstra plan adopt FILE --task-key KEY"
        )
    with services.registry.transaction() as doc:
        of_task = doc.task(key.task)
        if of_task is None:
            raise UsageError("not-found", f"no worktree is registered for {key.task}", hint="okstra run makes it")
        found = doc.stage(key)
        if found is not None:
            raise Refused("stage-reserved", f"{found.run_id} has reserved {key}", where=found.path)
        epoch = next_epoch(doc, key, plan)
        claim = _new_claim(key, project, category, base_commit, of_task, epoch, plan, stage_map.digest, services)
        doc.put_stage(key, claim)
        epochs = {**of_task.epochs, key.stage: claim.epoch}
        anchor = of_task.implementation_base or base_commit
        doc.put_task(key.task, of_task._replace(epochs=epochs, implementation_base=anchor))
    return claim


def _new_claim(
    key: StageKey,
    project: Project,
    category: str,
    base_commit: str,
    of_task: TaskClaim,
    epoch: int,
    plan: str,
    digest: str,
    services: Services,
) -> StageClaim:
    task = project.files.task(key.task)
    run = RunId(key.task, IMPLEMENTATION, key.stage, int(claim_run(task, IMPLEMENTATION, key.stage).seq))
    branch = of_task.branch or task_branch(category, key.task)
    taken = git.branches_like(project.root, branch) if epoch > 1 else frozenset()
    return StageClaim(
        path=services.home.stage_worktree(key.task, key.stage),
        branch=stage_branch(branch, key.stage, epoch, taken),
        base_commit=base_commit,
        project_root=project.root,
        status=ClaimStatus.PROVISIONING,
        run_id=str(run),
        owner=process_identity.this_process(),
        reserved_at=services.clock.now(),
        epoch=epoch,
        token=lock_reason(str(key), epoch),
        plan=plan,
        plan_digest=digest,
    )


def _put(key: StageKey, claim: StageClaim, services: Services, new: StageClaim | None) -> None:
    """Replaces this very claim, or removes it. Raises WorkFailed (`worktree-not-created`) when it is another's now."""
    with services.registry.transaction() as doc:
        found = doc.stage(key)
        if found is None or found.token != claim.token or found.status is not ClaimStatus.PROVISIONING:
            if new is None:
                return
            raise WorkFailed("worktree-not-created", "the reservation was taken away", where=str(key))
        if new is None:
            doc.remove_stage(key)
        else:
            doc.put_stage(key, new)


__all__ = ["StageWorktree", "provision_stage_worktree", "provision_task_worktree"]
