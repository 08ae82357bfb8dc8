"""Done commits that a rebase or squash rewrote, found again by patch id (docs/how-to/recover.md)."""

from __future__ import annotations

from collections.abc import Iterator

from .. import git
from ..claims import ledger
from ..claims.ledger import ledger_path
from ..claims.ledger_rows import DONE_ROWS, LedgerRow, row_id
from ..claims.registry_document import TaskClaim
from ..errors import OkstraError
from ..git import merge
from ..names import RunId, StageKey, TaskKey
from ..paths import ProjectFiles
from ..plan import store as plans
from ..plan.model import StageMap
from ..quoting import okstra_command
from ..runs.manifest import SCHEMA
from ..services import Services
from ..status import LedgerStatus
from ..system.files import read_json
from .findings import ALREADY_DONE, Finding, Kind


def rewritten_commits(
    key: TaskKey, claim: TaskClaim, repository: git.Repository, services: Services
) -> Iterator[Finding]:
    """One finding for each done commit that no branch has any more, or that a branch has in another form."""
    files = ProjectFiles(claim.project_root).task(key)
    plan = plans.latest(files)
    stage_map = _stage_map(plan, services)
    if plan is None or stage_map is None:
        return
    view = ledger.read(ledger_path(plan), task_key=str(key), plan_digest=stage_map.digest)
    for stage, row in sorted(view.newest.items()):
        if row.status in DONE_ROWS and row.head_commit:
            base = _base_of(row, claim)
            found = _look_at(StageKey(key, stage), row, base, claim, repository, plan, services)
            if found is not None:
                yield found


def _stage_map(plan: str | None, services: Services) -> StageMap | None:
    try:
        return plans.load(plan, services).stage_map if plan else None
    except OkstraError:
        return None


def _base_of(row: LedgerRow, claim: TaskClaim) -> str:
    """Where the stage's own commits begin, by its run's manifest."""
    run = RunId.parse(row.run_id)
    manifest = read_json(ProjectFiles(claim.project_root).task(run.task).run_of(run).manifest, SCHEMA) or {}
    return str(manifest.get("base_commit", ""))


def _look_at(
    key: StageKey,
    row: LedgerRow,
    base: str,
    claim: TaskClaim,
    repository: git.Repository,
    plan: str,
    services: Services,
) -> Finding | None:
    top, places = repository.top, _places(claim, repository)
    if any(git.is_ancestor(top, row.head_commit, place) for place in places):
        return None
    new = next((found for place in places if (found := _rewritten_as(top, base, row.head_commit, place))), "")
    if new:
        what = f"its done commit {row.head_commit[:12]} was written anew as {new[:12]}"
        superseded = _superseded_row(row, new, services.clock.now())
        return Finding(
            Kind.REWRITTEN,
            str(key),
            what,
            "okstra reconcile --apply",
            lambda: _write_superseded(key, row, superseded, plan, services),
        )
    if git.is_on_a_branch(top, row.head_commit):
        return None
    what = f"its done commit {row.head_commit[:12]} is on no branch, and nothing with the same changes was found"
    ways = f"git branch rescue-{key.stage} {row.head_commit[:12]}; or {okstra_command('rerun', row.run_id)}"
    return Finding(Kind.LOST_COMMIT, str(key), what, ways)


def _write_superseded(key: StageKey, row: LedgerRow, superseded: LedgerRow, plan: str, services: Services) -> str:
    """Under the registry lock, so that no run can claim the stage while the row is checked."""
    with services.registry.transaction():
        view = ledger.read(ledger_path(plan), task_key=str(key.task), plan_digest=row.plan_digest)
        if view.newest.get(key.stage) != row:
            return ALREADY_DONE
        return f"wrote {ledger.append(ledger_path(plan), [superseded])} superseded row"


def _places(claim: TaskClaim, repository: git.Repository) -> list[str]:
    """Where stages end up: the task branch, and the branch of the main worktree."""
    found = [git.branch_commit(repository.top, claim.branch) or "", repository.head]
    return [commit for commit in dict.fromkeys(found) if commit]


def _rewritten_as(top: str, base: str, head: str, place: str) -> str:
    """The commit of `place` that has all changes of `base..head`: the last of a rebase, or the one of a squash."""
    if not base or not git.resolve(top, base) or not git.resolve(top, head):
        return ""
    there = merge.patch_ids(top, [place, f"^{base}"])
    ours = merge.patch_ids(top, [head, f"^{base}"])
    if ours and all(patch in there for patch in ours):
        return git.newest_of(top, [there[patch] for patch in ours])
    return there.get(merge.patch_id_of_range(top, base, head), "")


def _superseded_row(row: LedgerRow, commit: str, at: str) -> LedgerRow:
    return row._replace(
        id=f"{row_id(row.run_id, row.epoch, LedgerStatus.SUPERSEDED)}:{commit[:12]}",
        status=LedgerStatus.SUPERSEDED,
        at=at,
        head_commit=commit,
        note=f"was {row.head_commit}",
    )
