"""`okstra reconcile --rebuild`: rebuilds the registry from git's worktrees, the ledgers and the run manifests; and adds
missing runs to the index.

Every worktree that okstra makes is locked in git with a reason that names its task or stage and its epoch;
the manifest of that epoch has the rest. The old file is set aside, never overwritten.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from .. import git
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import DONE_ROWS
from ..claims.ports import drop_dead
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from ..errors import Busy, OkstraError
from ..git import worktree_admin
from ..index import run_index
from ..names import IMPLEMENTATION, Owner, RunId, StageKey, TaskKey, task_branch
from ..paths import ProjectFiles, TaskFiles
from ..runs.manifest import SCHEMA
from ..services import Services
from ..settings.project_places import lead_back
from ..sharing.joining import sharing_of
from ..status import ClaimStatus, Liveness
from ..system import files, trash
from ..system.process_identity import liveness, this_process
from ..tasks import catalog as task_catalog
from ..worktrees.proofs import is_proof
from .orphans import category_of, epoch_of_reason, is_scratch, key_of_reason
from .survey import repository_of
from .unindexed import add_missing, stage_numbers, tasks_of

_TRIES = 5


class Rebuilt(NamedTuple):
    """`set_aside` is where the old file is now, or empty; `missing` names worktrees whose manifests were not found;
    `indexed` counts the runs that the index of runs lacked."""

    set_aside: str
    tasks: int
    stages: int
    missing: tuple[str, ...]
    indexed: int


def rebuild(start_root: str | None, services: Services) -> Rebuilt:
    """Finds the projects by the index of runs and by where the command was started.

    When the registry changes meanwhile, everything is read again: a run may have reserved something.
    Raises WorkFailed, Busy.
    """
    run_index.set_damaged_aside(services.home)
    seen = {str(row.get("project_root", "")) for row in run_index.newest_rows(services.home, run_index.EVERYTHING)}
    roots = sorted(root for root in {*seen, start_root or ""} if os.path.isfile(ProjectFiles(root).config))
    for _ in range(_TRIES):
        before = services.registry.contents()
        doc, missing = RegistryDoc(), list[str]()
        for root in roots:
            missing += _read_project(root, doc, services)
        _recall_tokens(doc, services)
        _carry_over_live_claims(before, doc)
        _carry_over_ports(before, doc)
        aside = f"set-aside-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        set_aside = services.registry.replace_whole(doc, aside, unless_changed_from=before)
        if set_aside is not None:
            break
    else:
        raise Busy(
            "busy",
            "runs keep changing the registry",
            where=services.registry.path,
            hint="wait until they have started, then call it again",
        )
    indexed = sum(add_missing(root, services) for root in roots)
    for root in roots:
        if task_catalog.catalog_fault(ProjectFiles(root)):
            task_catalog.rebuild(ProjectFiles(root))
    return Rebuilt(set_aside, sum(1 for _ in doc.tasks()), sum(1 for _ in doc.stages()), tuple(missing), indexed)


def _carry_over_live_claims(before: bytes | None, doc: RegistryDoc) -> None:
    """Claims whose owners are alive stay as they are: what is half made there is in progress, not left by a crash."""
    try:
        old = RegistryDoc.parse(before) if before is not None else RegistryDoc()
        claims: list[tuple[TaskKey | StageKey, TaskClaim | StageClaim]] = [*old.tasks(), *old.stages()]
    except OkstraError:
        return
    for key, claim in claims:
        if claim.owner is not None and liveness(claim.owner) is not Liveness.GONE:
            doc.put(key, claim)
            task = key.task if isinstance(key, StageKey) else key
            held = old.task(task)
            if doc.task(task) is None and held is not None:
                doc.put_task(task, held)


def _recall_tokens(doc: RegistryDoc, services: Services) -> None:
    """Where machines share the task, a claim's token stands at the remote alone: as this machine saw it last. Without
    it the stage could not be given back, nor would its run notice that it was taken over."""
    for key, claim in list(doc.stages()):
        token = ""
        with contextlib.suppress(OkstraError):  # not trusted, or not to be read
            sharing = sharing_of(claim.project_root, key.task, services)
            token = sharing.last_token(key.stage, claim.run_id, claim.epoch) if sharing is not None else ""
        if token:
            doc.put_stage(key, claim._replace(remote_token=token))


def _carry_over_ports(before: bytes | None, doc: RegistryDoc) -> None:
    """Services may listen on them. A registry that can't be read had none that are known: they are reserved anew."""
    try:
        for place, numbers in (RegistryDoc.parse(before).ports() if before is not None else {}).items():
            doc.put_ports(place, numbers)
    except OkstraError:
        return
    drop_dead(doc)


def _read_project(root: str, doc: RegistryDoc, services: Services) -> list[str]:
    """Adds a project's claims; returns the worktrees without enough information. Another home's are skipped."""
    repository = repository_of(root)
    if repository is None:
        return []
    missing = []
    own = [entry for entry in git.worktrees(repository.top) if trash.is_ours(services.home, entry.path)]
    listed = [entry for entry in own if not is_proof(entry.path, entry.lock_reason)]  # made again when needed
    lead_back(repository, [entry.path for entry in listed])
    worktrees = [(entry, key_of_reason(entry.lock_reason)) for entry in listed]
    for entry, key in worktrees:
        if isinstance(key, TaskKey) and not is_scratch(entry.path):
            task_claim = _task_claim(root, key, entry, repository)
            if task_claim is None:
                missing.append(entry.path)
            else:
                doc.put_task(key, task_claim)
    for entry, key in worktrees:
        if isinstance(key, StageKey):
            claim = _stage_claim(root, key, entry)
            if claim is None:
                missing.append(entry.path)
            else:
                doc.put_stage(key, claim)
    for key, task in tasks_of(root):
        _remember(doc, key, task, root)
    return missing


def _task_claim(root: str, key: TaskKey, entry: git.Worktree, repository: git.Repository) -> TaskClaim | None:
    """Files, branch and HEAD come side by side: where one is missing the worktree is half made.

    None when there is no branch, and commits that nothing else holds.
    """
    branch = entry.branch or _branch_of(root, key, entry.lock_reason or "", repository)
    if not branch and git.unreachable_commits(repository.top, entry.head):
        return None
    whole = bool(branch) and not _is_half_made(entry, branch, repository)
    return TaskClaim(
        path=entry.path,
        branch=branch or task_branch(category_of(root, key), key),
        base_commit=entry.head,
        project_root=root,
        status=ClaimStatus.ACTIVE if whole else ClaimStatus.PROVISIONING,
        created_at="",
        owner=None if whole else _ended(),
        token=entry.lock_reason or "",
    )


def _is_half_made(entry: git.Worktree, branch: str, repository: git.Repository) -> bool:
    """Whether its making was killed. A HEAD beside its branch is work, but where it never was on one."""
    admin = worktree_admin.at(repository.common_dir, entry.path)
    if admin is None:
        return False
    if not worktree_admin.was_filled(admin):
        return True
    never_on_it = not entry.branch and not worktree_admin.was_put_on_a_branch(admin)
    return never_on_it and git.branch_commit(repository.top, branch) == entry.head and not git.dirty_files(entry.path)


def _branch_of(root: str, key: TaskKey, token: str, repository: git.Repository) -> str:
    """The branch that was created for that very worktree; empty when there is none."""
    branch = task_branch(category_of(root, key), key)
    return branch if git.branch_reason(repository.top, branch) == token else ""


def _ended() -> Owner:
    """An owner that is surely gone: a process of this machine before its last start."""
    return this_process()._replace(boot_id="", pid=0)


def _stage_claim(root: str, key: StageKey, entry: git.Worktree) -> StageClaim | None:
    task = ProjectFiles(root).task(key.task)
    manifests = list(_manifests(task, key.stage))
    made = epoch_of_reason(entry.lock_reason or "")
    found = max((m for m in manifests if _number(m, "epoch") >= made), key=lambda m: _number(m, "epoch"), default=None)
    if found is None:
        return None
    plan = found.get("plan")
    path, digest = (str(plan.get("path", "")), str(plan.get("digest", ""))) if isinstance(plan, dict) else ("", "")
    path = task.plan_here(path)
    epoch = _number(found, "epoch")
    view = ledger_file.read(ledger_path(path), task_key=str(key.task), plan_digest=digest)
    row = view.newest.get(key.stage)
    done = row is not None and row.status in DONE_ROWS and row.epoch >= epoch
    status = ClaimStatus.DONE if done else ClaimStatus.ACTIVE  # the manifest is written once the branch stands
    worktree = found.get("worktree")
    branch = entry.branch or (str(worktree.get("branch", "")) if isinstance(worktree, dict) else "")
    return StageClaim(
        path=entry.path,
        branch=branch,
        base_commit=str(found.get("base_commit", "")),
        project_root=root,
        status=status,
        run_id=str(found["run_id"]),
        owner=None,
        reserved_at=str(found.get("prepared_at", "")),
        epoch=epoch,
        token=entry.lock_reason or "",
        plan=path,
        plan_digest=digest,
    )


def _remember(doc: RegistryDoc, key: TaskKey, task: TaskFiles, root: str) -> None:
    """Anchor and epochs of a task, from the manifests of its stage runs."""
    stage_dirs = stage_numbers(task)
    runs = {stage: list(_manifests(task, stage)) for stage in stage_dirs}
    epochs = {stage: max((_number(m, "epoch") for m in found), default=0) for stage, found in runs.items()}
    claim = doc.task(key)
    if claim is None or not any(epochs.values()):
        return
    first = min((m for found in runs.values() for m in found), key=lambda m: str(m.get("prepared_at", "")))
    doc.put_task(key, claim._replace(epochs=epochs, implementation_base=str(first.get("base_commit", ""))))


def _manifests(task: TaskFiles, stage: int) -> Iterator[dict[str, object]]:
    folder = os.path.join(task.run_dir(IMPLEMENTATION, stage), "manifests")
    for name in files.names_in(folder):
        try:
            found = files.read_json(os.path.join(folder, name), SCHEMA) if name.endswith(".json") else None
        except OkstraError:
            continue
        if found is not None and _is_run_id(found.get("run_id")):
            yield found


def _is_run_id(value: object) -> bool:
    try:
        return RunId.parse(str(value)).stage is not None
    except OkstraError:
        return False


def _number(manifest: dict[str, object], field: str) -> int:
    value = manifest.get(field, 0)
    return value if isinstance(value, int) else 0
