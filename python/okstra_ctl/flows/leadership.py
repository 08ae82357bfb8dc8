"""Naming who leads a run: in its manifest, and for a stage in its claim (spec 3, "Recovery")."""

from __future__ import annotations

from ..core.ownership import Owner
from ..edges import fsio
from ..edges.locks import LockKind, hold
from ..words.hints import Any, Callable
from ..words.statuses import ClaimStatus
from . import run_index, worktree_users
from .doors import Doors
from .runs import KnownRun

Lead = dict[str, Any]
Change = Callable[[dict[str, Any], Lead], dict[str, Any]]


def change_lead(run: KnownRun, change: Change) -> None:
    """Replaces the manifest by what `change` makes of it and of its `lead`, as they are on disk now."""
    with hold(LockKind.INDEX, f"{run.files.manifest}.lock"):
        manifest = fsio.read_json(run.files.manifest) or {}
        lead = manifest.get("lead")
        fsio.replace_json(run.files.manifest, change(manifest, dict(lead) if isinstance(lead, dict) else {}))


def name_lead(run: KnownRun, owner: Owner | None, **facts: str) -> None:
    """Whoever leads from now on, or nobody; `facts` are kept beside it."""
    told = owner.to_json() if owner else None
    change_lead(run, lambda manifest, lead: {**manifest, "lead": {**lead, **facts, "owner": told}})


def index_started(run: KnownRun, doors: Doors, owner: Owner) -> str:
    """Tells the index who leads the run from now on. A warning if it could not be told."""
    task_type, stage, manifest = run.id.task_type, run.id.stage, run.files.manifest
    at, told = doors.clock.now(), owner.to_json()
    row = run_index.IndexRow(str(run.id), "started", at, task_type, stage, run.project.root, manifest, told)
    return run_index.append_softly(doors.home, row)


def own_claim(run: KnownRun, doors: Doors, owner: Owner | None, *, completed: bool | None = None) -> None:
    """Whoever leads a run owns its stage's claim, or is a user of its task's worktree, while it does.

    `completed` is given at the run's end, and tells whether it came to a good one: then it needs a task's worktree
    no more, unless it is still `owner`'s to go on with.
    """
    key = run.id.stage_key
    with doors.registry.transaction() as doc:
        if key is not None:
            claim = doc.stage(key)
            if claim is not None and claim.run_id == str(run.id) and claim.status is not ClaimStatus.PROVISIONING:
                doc.put_stage(key, claim._replace(owner=None if completed else owner))
        elif completed or (completed is False and owner is None):
            worktree_users.end_use(doc, run.id, doors, completed=completed)
        elif not run.degraded:
            worktree_users.begin_use(doc, run.id, owner, doors)
