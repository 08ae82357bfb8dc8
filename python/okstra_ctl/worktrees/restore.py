"""`okstra worktree restore`: recreates a removed worktree, with its unsaved work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .. import git
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import DONE_ROWS, LedgerRow
from ..claims.registry_document import PreviousClaim, StageClaim, TaskClaim
from ..errors import Refused, UsageError
from ..git.kept import apply_snapshot, newest_ref
from ..names import RunId, StageKey, TaskKey, task_branches
from ..plan import plans
from ..quoting import quote
from ..runs.manifest import SCHEMA
from ..services import Services
from ..settings.project import Project
from ..status import ClaimStatus
from ..system import files, fsync
from ..system.process_identity import this_process
from ..tasks.records import read_manifest
from . import create, half_made
from .create import UndoStack, lock_reason
from .unsaved import kept_prefix


class Restored(NamedTuple):
    """`kept` is the ref whose uncommitted files were restored, or empty."""

    key: str
    path: str
    branch: str
    kept: str


class Target(NamedTuple):
    """A worktree to restore: its claim once restored, and the last known commit of its branch."""

    claim: TaskClaim | StageClaim
    last_commit: str


@fsync.deferred_fsync()
def restore_worktree(key: TaskKey | StageKey, project: Project, services: Services) -> Restored:
    """Recreates the folder on its branch and applies the newest kept snapshot as uncommitted changes; unless the branch
    has moved since the snapshot was taken: then it would undo later commits.

    Meanwhile its claim is marked as being restored, so that the half-made worktree is not mistaken for work.
    Raises Refused (`worktree-held`, `branch-in-use`, `stage-not-held` for a stage that is neither claimed nor done:
    a run creates its worktree), UsageError (`not-found`), WorkFailed.
    """
    repository = git.discover(project.root)
    if repository is None:
        raise UsageError("not-found", "the project is not a git repository", where=project.root)
    half_made.recover_task(
        key.task if isinstance(key, StageKey) else key, services.registry.read(), repository, services
    )
    kept = newest_ref(repository.top, kept_prefix(key))
    current = services.registry.read().claim_of(key)
    if isinstance(key, StageKey):
        target = _stage_target(key, current, project, kept, services)
    else:
        target = _task_target(key, current, project, repository, services)
    claim = target.claim
    if os.path.lexists(claim.path):
        raise Refused("worktree-held", "the worktree exists already", where=claim.path)
    at = _require_branch(repository, target, key)
    if kept and git.resolve(repository.top, f"{kept}^") != at:
        kept = ""
    with UndoStack() as undo:
        site = create.Site(repository, claim.path, claim.branch, at, claim.token, restores=True)
        mine = _begin(key, current, claim, services)
        undo.unless(lambda: services.registry.is_finished(key, mine.token))
        undo.push(lambda: half_made.drop_unfinished(key, mine, services))
        create.restore(services.home, site, undo)
        if kept:
            apply_snapshot(claim.path, kept)
        with services.registry.transaction() as doc:
            doc.put(key, claim)
        undo.commit()
    return Restored(str(key), claim.path, claim.branch, kept)


def _begin(
    key: TaskKey | StageKey,
    current: TaskClaim | StageClaim | None,
    target: TaskClaim | StageClaim,
    services: Services,
) -> TaskClaim | StageClaim:
    """Marks the claim as being restored by this process. Raises Refused (`worktree-held`, `name-taken`).

    The claim of a run that holds the stage comes back if the restoring is undone.
    """
    mine = target._replace(status=ClaimStatus.PROVISIONING, owner=this_process(), restores=True)
    if isinstance(mine, StageClaim) and isinstance(current, StageClaim):
        mine = mine._replace(before=PreviousClaim.of(current))
    with services.registry.transaction() as doc:
        if doc.claim_of(key) != current or (current is not None and current.status is ClaimStatus.PROVISIONING):
            raise Refused("worktree-held", f"another command is making the worktree of {key}", where=target.path)
        holder = doc.holder_of_branch(target.project_root, target.branch)
        if holder not in (None, str(key)):
            raise Refused("name-taken", f"the branch {target.branch} is {holder}'s", where=str(key))
        doc.put(key, mine)
    return mine


def _stage_target(
    key: StageKey, current: TaskClaim | StageClaim | None, project: Project, kept: str, services: Services
) -> Target:
    """The claim in the registry; for a done stage whose worktree was removed, one from the ledger."""
    if isinstance(current, StageClaim):
        return Target(current, "")
    row = _last_row(key, project, services)
    if row is None or row.status not in DONE_ROWS:
        where = f"; its unsaved work is in {kept}" if kept else ""
        raise Refused(
            "stage-not-held",
            f"stage {key.stage} is not done{where}",
            where=str(key),
            hint="start it with `okstra run`, which makes its worktree",
        )
    manifest = _manifest(RunId.parse(row.run_id), project)
    claim = StageClaim(
        path=services.home.stage_worktree(key.task, key.stage),
        branch=_branch_in(manifest),
        base_commit=str(manifest.get("base_commit", "")),
        project_root=project.root,
        status=ClaimStatus.DONE,
        run_id=row.run_id,
        owner=None,
        reserved_at=row.at,
        epoch=row.epoch,
        token=lock_reason(str(key), row.epoch),
        plan=plans.latest(project.files.task(key.task)) or "",
        plan_digest=row.plan_digest,
    )
    return Target(claim, row.head_commit)


def _task_target(
    key: TaskKey,
    current: TaskClaim | StageClaim | None,
    project: Project,
    repository: git.Repository,
    services: Services,
) -> Target:
    """The task's claim: the one in the registry; else on the branch that its runs' manifests name, or that okstra
    created for it. Another branch at the same commit, such as the main branch, is not the task's."""
    if isinstance(current, TaskClaim):
        return Target(current._replace(status=ClaimStatus.ACTIVE, owner=None), current.base_commit)
    manifests, token = _manifests_in_task_worktree(key, project), lock_reason(str(key), 0)
    made = (one for one in task_branches(key) if git.branch_reason(repository.top, one) == token)
    branch = next((one for one in map(_branch_in, manifests) if one), "") or next(made, "")
    base = next((str(one.get("base_commit") or "") for one in manifests if _branch_in(one) == branch), "")
    claim = TaskClaim(
        path=services.home.task_worktree(key),
        branch=branch,
        base_commit=base or (git.branch_commit(repository.top, branch) or "" if branch else ""),
        project_root=project.root,
        status=ClaimStatus.ACTIVE,
        created_at=services.clock.now(),
        token=token,
        users=(),
    )
    return Target(claim, base)


def _manifests_in_task_worktree(key: TaskKey, project: Project) -> list[Mapping[str, object]]:
    """Those of the newest run of each phase in the task worktree, newest first."""
    task = read_manifest(project.files.task(key)) or {}
    phases = task.get("phases")
    rows = list(phases.values()) if isinstance(phases, dict) else []
    newest = sorted(rows, key=lambda row: str(row.get("last_at")), reverse=True)
    runs = [RunId.parse(str(row["last_run"])) for row in newest]
    return [_manifest(run, project) for run in runs if run.stage is None]


def _manifest(run: RunId, project: Project) -> Mapping[str, object]:
    return files.read_json(project.files.task(run.task).run_of(run).manifest, SCHEMA) or {}


def _branch_in(manifest: Mapping[str, object]) -> str:
    worktree = manifest.get("worktree")
    return str(worktree.get("branch") or "") if isinstance(worktree, dict) else ""


def _require_branch(repository: git.Repository, target: Target, key: TaskKey | StageKey) -> str:
    """The commit of the branch. Raises UsageError (`not-found`) with how to get the branch back."""
    branch = target.claim.branch
    commit = git.branch_commit(repository.top, branch) if branch else None
    if commit is not None:
        return commit
    last = git.resolve(repository.top, target.last_commit) if target.last_commit else None
    hint = f"git -C {quote(repository.top)} for-each-ref {quote(kept_prefix(key))}"
    if branch and last:
        hint = f"git -C {quote(repository.top)} branch {quote(branch)} {last[:12]} makes it again; then try again"
    named = f"its branch {branch} is not" if branch else "no branch of it is"
    raise UsageError(
        "not-found", f"the worktree of {key} can't be made again: {named} there", where=target.claim.path, hint=hint
    )


def _last_row(key: StageKey, project: Project, services: Services) -> LedgerRow | None:
    plan = plans.latest(project.files.task(key.task))
    if plan is None:
        return None
    checked = plans.load(plan, services)
    if checked.stage_map is None:
        return None
    view = ledger_file.read(ledger_path(plan), task_key=str(key.task), plan_digest=checked.stage_map.digest)
    return view.newest.get(key.stage)
