"""`okstra worktree restore`: a worktree that was removed is there again, with what it held unsaved."""

from __future__ import annotations

import os

from ..core.identity import RunId, StageKey, TaskKey
from ..core.ledger import LedgerRow
from ..core.manifest import SCHEMA
from ..core.registry_doc import StageClaim, TaskClaim
from ..core.selection import DONE_ROWS
from ..core.shell_words import quote
from ..edges import durability, fsio, git, kept_work, process_identity
from ..edges import ledger as ledger_edge
from ..words.errors import Refused, UsageError
from ..words.records import Record
from ..words.statuses import ClaimStatus
from . import plans, provision, recover
from .doors import Doors
from .prepare.reserve import lock_reason
from .project import Project
from .stage_records import ledger_path
from .undo import UndoStack
from .unsaved_work import kept_prefix


class Restored(Record):
    """`kept` is the ref whose uncommitted files were brought back, or empty."""

    key: str
    path: str
    branch: str
    kept: str


@durability.settled_behind()
def restore_worktree(key: TaskKey | StageKey, project: Project, doors: Doors) -> Restored:
    """Makes the folder anew on its branch and lays the newest kept snapshot over it, uncommitted as it was.

    Meanwhile its claim is marked as being restored: a half-made worktree must not be taken for anybody's work.
    Raises Refused (`worktree-held`, `stage-not-held` for a stage that is not done: a run makes its worktree),
    UsageError (`not-found`), WorkFailed.
    """
    repository = git.discover(project.root)
    if repository is None:
        raise UsageError("not-found", "the project is no git repository", where=project.root)
    recover.recover_task(key.task if isinstance(key, StageKey) else key, doors.registry.read(), repository, doors)
    kept = kept_work.newest_ref(repository.top, kept_prefix(key))
    claim = _stage_claim(key, project, repository, kept, doors) if isinstance(key, StageKey) else None
    task = _task_claim(key, project, repository, kept, doors) if isinstance(key, TaskKey) else None
    back = claim or task
    if back is None or os.path.lexists(back.path):
        raise Refused("worktree-held", "the worktree is there", where=back.path if back else str(key))
    with UndoStack() as undo:
        at = _require_branch(repository, back.branch, key)
        site = provision.Site(repository, back.path, back.branch, at, back.token, restores=True)
        mine = _begin(key, back, doors)
        undo.push(lambda: recover.take_back(key, mine, doors))
        provision.restore(doors.home, site, undo)
        if kept:
            kept_work.lay_over(back.path, kept)
        with doors.registry.transaction() as doc:
            doc.put(key, back)
        undo.commit()
    return Restored(str(key), back.path, back.branch, kept)


def _begin(key: TaskKey | StageKey, back: TaskClaim | StageClaim, doors: Doors) -> TaskClaim | StageClaim:
    """Marks the claim as being restored by this process. Raises Refused (`worktree-held`)."""
    mine = back._replace(status=ClaimStatus.PROVISIONING, owner=process_identity.this_process(), restores=True)
    with doors.registry.transaction() as doc:
        held = doc.claim_of(key)
        in_the_making = held is not None and held.status is ClaimStatus.PROVISIONING
        if in_the_making or (isinstance(held, StageClaim) and held.status is not ClaimStatus.DONE):
            raise Refused("worktree-held", f"another command makes the worktree of {key}", where=back.path)
        doc.put(key, mine)
    return mine


def _stage_claim(key: StageKey, project: Project, repository: git.Repository, kept: str, doors: Doors) -> StageClaim:
    """The claim of a done stage, from the ledger."""
    row = _last_row(key, project, doors)
    if row is None or row.status not in DONE_ROWS:
        where = f"; what it held unsaved is in {kept}" if kept else ""
        raise Refused(
            "stage-not-held",
            f"stage {key.stage} is not done{where}",
            where=str(key),
            hint="start it with `okstra run`: that makes its worktree",
        )
    manifest = fsio.read_json(project.files.task(key.task).run_of(RunId.parse(row.run_id)).manifest, SCHEMA) or {}
    worktree = manifest.get("worktree")
    branch = str(worktree.get("branch", "")) if isinstance(worktree, dict) else ""
    return StageClaim(
        path=doors.home.stage_worktree(key.task, key.stage),
        branch=branch,
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


def _task_claim(key: TaskKey, project: Project, repository: git.Repository, kept: str, doors: Doors) -> TaskClaim:
    """The task's claim: as the registry still has it, or from the branch that its kept work stands on."""
    held = doors.registry.read().task(key)
    if held is not None:
        return held._replace(status=ClaimStatus.ACTIVE, owner=None)
    branch = kept_work.branch_at(repository.top, f"{kept}^") if kept else ""
    return TaskClaim(
        path=doors.home.task_worktree(key),
        branch=branch,
        base_commit=git.branch_commit(repository.top, branch) or "" if branch else "",
        project_root=project.root,
        status=ClaimStatus.ACTIVE,
        created_at=doors.clock.now(),
        token=lock_reason(str(key), 0),
        users=(),
    )


def _require_branch(repository: git.Repository, branch: str, key: TaskKey | StageKey) -> str:
    commit = git.branch_commit(repository.top, branch) if branch else None
    if commit is None:
        raise UsageError("not-found", f"no branch of {key} is left", hint=f"git for-each-ref {quote(kept_prefix(key))}")
    return commit


def _last_row(key: StageKey, project: Project, doors: Doors) -> LedgerRow | None:
    plan = plans.latest(project.files.task(key.task))
    if plan is None:
        return None
    checked = plans.load(plan, doors)
    if checked.stage_map is None:
        return None
    view = ledger_edge.read(ledger_path(plan), task_key=str(key.task), plan_digest=checked.stage_map.digest)
    return view.newest.get(key.stage)
