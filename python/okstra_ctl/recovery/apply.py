"""Repairs findings one by one: a failed repair does not stop the others."""

from __future__ import annotations

from ..claims import ledger
from ..errors import OkstraError
from ..git import kept, worktree_admin
from ..paths import ProjectFiles
from ..services import Services
from ..system import files, trash
from ..system.locks import LockKind, discard_stale_note
from .findings import Finding, Outcome
from .survey import known_roots, repository_of, survey


def reconcile(services: Services, *, apply: bool, start_root: str | None = None) -> list[Outcome]:
    """Everything that is wrong; with `apply`, after okstra repaired what it may. Raises Unreadable."""
    if not apply:
        return [Outcome(found) for found in survey(services, start_root)]
    outcomes = [_apply(found) for found in survey(services, start_root)]
    _sweep(services)
    return outcomes


def _apply(found: Finding) -> Outcome:
    if found.act is None:
        return Outcome(found)
    try:
        return Outcome(found, done=found.act())
    except OkstraError as error:
        return Outcome(found, failed=error.message)


def _sweep(services: Services) -> None:
    """Removes what killed commands left: half-deleted folders, half-written files, notes beside free locks."""
    doc = services.registry.read()
    trash.sweep(services.home)
    for root in known_roots(doc, services):
        repository = repository_of(root)
        if repository is not None:
            worktree_admin.sweep(repository.common_dir)
            kept.sweep(repository.common_dir)
            discard_stale_note(LockKind.REPOSITORY, repository.lock)
            discard_stale_note(LockKind.INDEX, ProjectFiles(root).lock)
            files.discard_stale_temporaries(ProjectFiles(root).okstra_dir, below=True)
    for key, claim in doc.tasks():
        consumers = ProjectFiles(claim.project_root).task(key).consumers
        discard_stale_note(LockKind.LEDGER, ledger.lock_path(consumers))
    for folder in (services.home.root, services.home.worktrees):
        files.discard_stale_temporaries(folder, below=False)
    discard_stale_note(LockKind.REGISTRY, services.home.registry_lock)
    discard_stale_note(LockKind.INDEX, services.home.index_lock)
