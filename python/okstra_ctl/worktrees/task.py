"""The task's worktree: created by its first run, reused by later ones (docs/design/reservation.md)."""

from __future__ import annotations

import os
import time

from .. import git
from ..claims.registry_document import RegistryDoc, TaskClaim
from ..errors import Busy, Refused, WorkFailed
from ..names import REVIEW, RunId, category_of_branch, task_branch
from ..runs.request import Request
from ..services import Services
from ..settings.project_places import taken_elsewhere
from ..status import ClaimStatus, WorktreeStatus
from ..system.process_identity import this_process
from . import create, half_made, users
from .create import UndoStack, lock_reason
from .populate import populate_worktree

_WAIT_SECONDS = 900.0
_POLL_SECONDS = 0.02


def ensure(
    request: Request, services: Services, log_path: str, *, known: TaskClaim | None = None, run: RunId | None = None
) -> tuple[TaskClaim, WorktreeStatus, list[str]]:
    """The task's active claim, whether its worktree was created now, and notes about that.

    Of several first runs at once one creates it, and the others wait. A removed worktree is created again on its
    branch. `known`: the claim as last read. `run` is listed as a user of the worktree before it exists, so that nobody
    removes it meanwhile. Raises Refused (`name-taken`,
    `branch-exists`), WorkFailed, Busy.
    """
    if known is not None and _usable(known):
        check_same_project(request, known, services)
        return known, WorktreeStatus.REUSED, []
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        claim = services.registry.read().task(request.key)
        check_same_project(request, claim, services)
        if claim is not None and _usable(claim):
            used = _use(request, services, run) if run else claim
            if used is not None:
                return used, WorktreeStatus.REUSED, []
        elif claim is None or claim.status is not ClaimStatus.PROVISIONING:
            mine = _reserve(request, services, run)
            if mine is not None:
                return _make(request, services, mine, log_path, again=claim is not None)
        elif half_made.is_abandoned(claim):
            half_made.recover_task(request.key, services.registry.read(), request.checkout, services)
        elif time.monotonic() > deadline:
            raise Busy("busy", "the task's worktree is still being made by another run", where=claim.path)
        else:
            time.sleep(_POLL_SECONDS)


def planned(request: Request, services: Services) -> TaskClaim:
    """The current claim, or the one that a first run would make now."""
    return services.registry.read().task(request.key) or _new_claim(request, services)


def _use(request: Request, services: Services, run: RunId) -> TaskClaim | None:
    """The claim, with the run among its users; None when the worktree was removed meanwhile."""
    with services.registry.transaction() as doc:
        current = doc.task(request.key)
        if current is None or not _usable(current):
            return None
        users.begin_use(doc, run, this_process(), services)
        return doc.task(request.key)


def _reserve(request: Request, services: Services, run: RunId | None) -> TaskClaim | None:
    """The claim of a task worktree to make or make again; None when another run was faster."""
    with services.registry.transaction() as doc:
        current = doc.task(request.key)
        if current is None:
            claim = _new_claim(request, services)
            check_free(doc, request, claim.branch, claim.path, str(request.key))
        elif current.status is ClaimStatus.PROVISIONING or _usable(current):
            return None
        else:
            claim = current._replace(status=ClaimStatus.PROVISIONING, owner=this_process())
        doc.put_task(request.key, claim)
        if run is not None:
            users.begin_use(doc, run, this_process(), services)
        return doc.task(request.key)


def _usable(claim: TaskClaim) -> bool:
    return claim.status is ClaimStatus.ACTIVE and os.path.isdir(claim.path)


def _new_claim(request: Request, services: Services) -> TaskClaim:
    inputs = request.inputs
    top = request.checkout.top
    base = git.resolve_option(top, inputs.base_ref, "--base-ref") if inputs.base_ref else request.checkout.head
    return TaskClaim(
        path=services.home.task_worktree(request.key),
        branch=task_branch(request.category, request.key),
        base_commit=base,
        project_root=request.project.root,
        status=ClaimStatus.PROVISIONING,
        created_at=services.clock.now(),
        owner=this_process(),
        token=lock_reason(str(request.key), 0),
        users=(),
    )


def _make(
    request: Request, services: Services, claim: TaskClaim, log_path: str, *, again: bool
) -> tuple[TaskClaim, WorktreeStatus, list[str]]:
    top = request.checkout.top
    with UndoStack() as undo:
        undo.unless(lambda: services.registry.is_finished(request.key, claim.token))
        undo.push(lambda: _drop(request, services, claim))
        site = _site(request, claim, git.branch_commit(top, claim.branch), again=again)
        checkout = create.begin(services.home, site, undo)
        create.put_on_branch(site)
        create.await_files(checkout)
        notes = []
        if category_of_branch(claim.branch, request.key) != REVIEW:  # no set-up command runs over what strangers wrote
            notes = populate_worktree(
                top, claim.path, request.project.config, log_path, services, str(request.key), place=str(request.key)
            )
        active = _activate(request, services, claim)
        undo.commit()
    return active, WorktreeStatus.CREATED, notes


def _site(request: Request, claim: TaskClaim, branch_at: str | None, *, again: bool) -> create.Site:
    """What the worktree starts from: its own branch, if an earlier worktree of the task left it; else the base.

    Unless a claim named the branch before (`again`), its reflog must show that okstra created it.
    """
    if branch_at is None:
        return create.Site(request.checkout, claim.path, claim.branch, claim.base_commit, claim.token)
    if not again and git.branch_reason(request.checkout.top, claim.branch) != claim.token:
        raise git.branch_exists(claim.branch)
    return create.Site(request.checkout, claim.path, claim.branch, branch_at, claim.token, restores=True)


def _activate(request: Request, services: Services, claim: TaskClaim) -> TaskClaim:
    with services.registry.transaction() as doc:
        current = doc.task(request.key)
        if current is None or current.token != claim.token:
            raise WorkFailed(
                "worktree-not-created", "the task's reservation was removed by another command", where=claim.path
            )
        active = current._replace(status=ClaimStatus.ACTIVE, owner=None)
        doc.put_task(request.key, active)
    return active


def _drop(request: Request, services: Services, claim: TaskClaim) -> None:
    with services.registry.transaction() as doc:
        current = doc.task(request.key)
        if current is None or current.owner != claim.owner or current.status is not ClaimStatus.PROVISIONING:
            return
        if current.implementation_base:
            doc.put_task(request.key, current._replace(status=ClaimStatus.DONE, owner=None))
        else:
            doc.remove_task(request.key)


def check_same_project(request: Request, claim: TaskClaim | None, services: Services) -> None:
    """Two clones with one project id would share worktrees; they must not."""
    if claim is not None and claim.project_root != request.project.root:
        raise taken_elsewhere(
            str(request.key), claim.project_root, request.key.project_id, request.project.root, services
        )


def check_free(doc: RegistryDoc, request: Request, branch: str, path: str, key: str) -> None:
    """Branches and paths are unique over the whole registry."""
    for what, holder in (
        (f"branch {branch}", doc.holder_of_branch(request.project.root, branch)),
        (f"folder {path}", doc.holder_of_path(path)),
    ):
        if holder is not None and holder != key:
            raise Refused("name-taken", f"the {what} is {holder}'s", where=key, hint="choose another task id")
