"""Removes a worktree without losing work (docs/design/reservation.md)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from .. import git
from ..claims.ports import drop_dead, place_of_checkout
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from ..errors import OkstraError, Refused, UsageError, WorkFailed
from ..names import StageKey, TaskKey
from ..quarantine.recover import take_abandoned
from ..services import Services
from ..status import ClaimStatus
from ..system import trash
from ..system.locks import LockKind, locked
from ..system.process_identity import this_process
from . import create, half_made, proofs, teardown
from .unsaved import Saved, SavePolicy, changed_since, mark_removing, save_detached, save_unsaved, unmark_removing
from .users import require_removable

_TIMES = 3  # that a worktree is saved again because it changed meanwhile


class Removed(NamedTuple):
    """`branch` is the one that remains, or empty; `kept` is the ref that has the unsaved work, or empty; `ignored` are
    the ignored files that were deleted."""

    key: str
    path: str
    branch: str
    kept: str
    ignored: tuple[str, ...] = ()


def remove_worktree(key: TaskKey | StageKey, services: Services, *, policy: SavePolicy, evict: bool = False) -> Removed:
    """Removes the worktree of a task or of a done stage, and its registry entry. The branch remains.

    `evict`: also if a run uses it that is prepared and led by nobody. The worktree of a live run, or of a stage in
    work, is refused all the same. Raises UsageError (`not-found`), Refused (`worktree-held`, `worktree-dirty`,
    `commits-unreachable`).
    """
    doc = services.registry.read()
    claim = doc.claim_of(key)
    if claim is None:
        raise UsageError("not-found", f"no worktree is registered for {key}", hint="`okstra worktree list` shows them")
    if half_made.is_abandoned(claim):  # killed while being created or removed: nothing unsaved is in it
        half_made.undo(key, claim, services)
        before = services.registry.read().stage(key) if isinstance(key, StageKey) else None
        if before is None:
            return Removed(str(key), claim.path, git.existing_branch(claim.project_root, claim.branch), "")
        claim = before  # a rerun was being prepared: the earlier run's claim is restored
    require_removable(key, claim, services.registry.read(), services, force=evict)
    take_abandoned(services.home, worktree=claim.path)
    saved = save_and_remove(
        key, claim, services, policy, lambda now: require_removable(key, claim, now, services, force=evict)
    )
    return Removed(
        str(key), claim.path, git.existing_branch(claim.project_root, claim.branch), saved.ref, saved.ignored
    )


def remove_unused(key: TaskKey, project_root: str, services: Services) -> Removed:
    """As `remove_worktree`, and its branch as well if nothing was done on it. Unsaved work is refused."""
    removed = remove_worktree(key, services, policy=SavePolicy(False))
    repository = git.discover(project_root) if removed.branch else None
    if repository is None:
        return removed
    with locked(LockKind.REPOSITORY, repository.lock) as lock:
        if services.registry.read().holder_of_branch(project_root, removed.branch) is not None:
            return removed
        token = create.lock_reason(str(key), 0)
        gone = create.delete_untouched_branches(repository, [removed.branch], token, lock.keep_open)
    return removed._replace(branch="") if gone else removed


def save_and_remove(
    key: TaskKey | StageKey,
    claim: TaskClaim | StageClaim,
    services: Services,
    policy: SavePolicy,
    at_intent: Callable[[RegistryDoc], object],
) -> Saved:
    """Saves what is unsaved, removes the folder, drops the claim.

    Before the folder is removed, the claim is marked `provisioning` by this process: nobody can take it over
    meanwhile, and if this process dies, recovery finishes the removal. `at_intent` runs in the same transaction,
    before the mark, with the registry as it is then. The project's `worktreeTeardown` runs first. Raises Refused
    (`worktree-dirty`, `commits-unreachable`, `worktree-held`, `worktree-foreign`, `not-trusted`), WorkFailed
    (`worktree-teardown-failed`), Busy.
    """
    trash.check_is_ours(services.home, claim.path)
    if not policy.skip_teardown and (commands := teardown.commands_for(key, claim)):
        if not policy.force and os.path.isdir(claim.path):
            save_unsaved(claim.path, key, policy)  # refuses now, before anything was torn down
        teardown.tear_down(key, claim, commands, services)
        if isinstance(key, TaskKey) and isinstance(claim, TaskClaim):
            with proofs.leased(services.home, key, wait=0.0):
                for path in proofs.standing(services.home, key):
                    place = place_of_checkout(key, os.path.basename(path))
                    teardown.tear_down(key, claim._replace(path=path), commands, services, place=place)
    saved = _save(key, claim, services, policy)
    intent = claim._replace(status=ClaimStatus.PROVISIONING, owner=this_process())
    with services.registry.transaction() as doc:
        if claim != doc.claim_of(key):
            raise _overtaken(key, claim)
        at_intent(doc)
        doc.put(key, intent)
    try:
        if isinstance(key, TaskKey):
            remove_proofs(key, claim.project_root, services)
        saved = remove_folder(key, claim, saved, services)
    except OkstraError:
        _restore_claim(key, claim, intent, services)
        raise
    with services.registry.transaction() as doc:
        if isinstance(key, StageKey):
            doc.remove_stage(key)
        else:
            drop_task_claim(doc, key)
        drop_dead(doc)
    return saved


def _save(key: TaskKey | StageKey, claim: TaskClaim | StageClaim, services: Services, policy: SavePolicy) -> Saved:
    """Raises Refused, WorkFailed; Refused (`worktree-held`) where git failed because another command is removing the
    worktree."""
    try:
        if os.path.isdir(claim.path):
            saved = save_unsaved(claim.path, key, policy)
            mark_removing(claim.path)
            return saved
        return save_detached(claim.project_root, claim.path, key, policy)
    except WorkFailed as failed:
        if claim != services.registry.read().claim_of(key):
            raise _overtaken(key, claim) from failed
        raise


def _overtaken(key: TaskKey | StageKey, claim: TaskClaim | StageClaim) -> Refused:
    return Refused("worktree-held", f"another command changed {key} meanwhile", where=claim.path, hint="look again")


def remove_proofs(key: TaskKey, project_root: str, services: Services) -> None:
    """Removes the task's checkouts for proofs. Raises Busy while a command uses them."""
    repository = git.discover(project_root)
    if repository is not None:
        proofs.remove(services.home, repository, key)


def drop_task_claim(doc: RegistryDoc, key: TaskKey) -> None:
    """A task whose stages were begun keeps its anchor and epochs; its worktree is created again when it is needed."""
    current = doc.task(key)
    if current is not None and current.implementation_base:
        doc.put_task(key, current._replace(status=ClaimStatus.DONE, owner=None, users=()))
    else:
        doc.remove_task(key)


def remove_folder(key: TaskKey | StageKey, claim: TaskClaim | StageClaim, saved: Saved, services: Services) -> Saved:
    """Moves the folder to the trash and removes git's record of it. A missing folder is not an error.

    What was written in it since it was saved is kept by a ref as well; returns what is kept in the end. The caller's
    claim keeps other commands away from the path. On Refused and WorkFailed the folder remains.
    """
    path, project_root = claim.path, claim.project_root
    repository = git.discover(project_root)
    if repository is None:
        raise UsageError(
            "not-found",
            "the project's repository is gone",
            where=project_root,
            hint="if it was moved, call this in its new folder first: okstra init --moved",
        )
    with locked(LockKind.REPOSITORY, repository.lock):
        aside, saved = set_aside_saved(path, key, saved, services)
        if aside:
            trash.discard_aside(aside)
        create.forget(repository, path)
    trash.sweep(services.home)
    return saved


def set_aside_saved(path: str, key: TaskKey | StageKey, saved: Saved, services: Services) -> tuple[str, Saved]:
    """Moves the folder away, once everything in it is saved. Returns where it is now, as `trash.set_aside` does, and
    what was saved. On Refused and WorkFailed the folder remains in its place."""
    for again in range(1, _TIMES + 1):
        aside = trash.set_aside(services.home, path)
        if not aside:
            return "", saved
        try:
            late = changed_since(aside, saved.seen)
        except BaseException:
            trash.put_back(aside, path)
            raise
        if not late:
            return aside, saved
        trash.put_back(aside, path)
        more = save_unsaved(path, key, SavePolicy(force=True), again=again)
        saved = more._replace(ref=more.ref or saved.ref)
    raise Refused(
        "worktree-held",
        f"something keeps writing in the worktree of {key}",
        where=path,
        hint="end it, then try again; what was there so far is kept by a ref under refs/okstra/kept/",
    )


def _restore_claim(
    key: TaskKey | StageKey, claim: TaskClaim | StageClaim, intent: TaskClaim | StageClaim, services: Services
) -> None:
    """The worktree was not removed, so its claim is restored."""
    if not os.path.isdir(claim.path):
        return
    with services.registry.transaction() as doc:
        if doc.claim_of(key) == intent:
            doc.put(key, claim)
    unmark_removing(claim.path)
