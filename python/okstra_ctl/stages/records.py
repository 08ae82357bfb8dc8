"""Loads what the states of a plan's stages depend on: ledger, claims, live owners, merged commits."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..claims import ledger as ledger_edge
from ..claims.ledger import ledger_path
from ..claims.ledger_rows import LedgerView
from ..claims.registry_document import RegistryDoc
from ..errors import Refused, UsageError
from ..names import Owner, TaskKey
from ..paths import TaskFiles
from ..plan import approve as plan_approval
from ..plan import store as plans
from ..plan.model import StageMap
from ..quoting import okstra_command
from ..runs.find import recorded_end
from ..services import Services
from ..status import ClaimStatus, LedgerStatus, Liveness
from ..system.owner import liveness
from ..tasks.records import read_task_identity
from .select import StageRecords, StageState, commits_to_merge, stage_states


def load_records(
    doc: RegistryDoc, key: TaskKey, ledger: LedgerView, merged: dict[str, bool] | None, project_root: str = ""
) -> StageRecords:
    """One consistent view, with the liveness of owners and recorded outcomes. `project_root`: given where no claims
    are."""
    claims = doc.stages_of(key)
    owners = [claim.owner for claim in claims.values()] + [row.owner for row in ledger.newest.values()]
    task = doc.task(key)
    ends = {
        claim.run_id: recorded_end(claim.run_id, claim.project_root)
        for claim in claims.values()
        if claim.status is ClaimStatus.ACTIVE
    }
    if project_root:  # without git, stages are claimed by ledger rows only
        started = [row for row in ledger.newest.values() if row.status is LedgerStatus.STARTED]
        ends |= {row.run_id: recorded_end(row.run_id, project_root) for row in started if row.run_id not in ends}
    return StageRecords(ledger, claims, _liveness(owners), merged, task.epochs if task else {}, ends)


def merged_into(task_worktree: str, head: str, commits: Iterable[str]) -> dict[str, bool]:
    """Which of the commits are in the task branch. Most listings need no git, so it is imported late."""
    from .. import git

    return {commit: bool(commit) and git.is_ancestor(task_worktree, commit, head) for commit in commits}


def current_states(plan: str, stage_map: StageMap, key: TaskKey, services: Services) -> list[StageState]:
    """Every stage's status now, without a lock."""
    ledger = ledger_edge.read(ledger_path(plan), task_key=str(key), plan_digest=stage_map.digest)
    doc = services.registry.read()
    claim = doc.task(key)
    if claim is None or not os.path.isdir(claim.path):
        root = plans.project_root_of(plan) if claim is None else ""
        return stage_states(stage_map, load_records(doc, key, ledger, None, root))
    records = load_records(doc, key, ledger, {})
    wanted = commits_to_merge(stage_map, records)
    if wanted:
        records = records._replace(merged=merged_into(claim.path, "HEAD", wanted))
    return stage_states(stage_map, records)


def newest_plan_states(task: TaskFiles, key: TaskKey, services: Services) -> tuple[str, list[StageState]]:
    """The task's newest plan and every stage's status now. Raises Refused (`plan-not-approved`, `plan-changed`)."""
    plan = plans.latest(task)
    if plan is None:
        raise Refused("plan-not-approved", f"{key} has no plan", hint="plan the task first")
    stage_map, _ = plan_approval.require(plan, services, remember=False)
    return plan, current_states(plan, stage_map, key, services)


def task_of_plan(plan: str, services: Services) -> TaskKey:
    """The task in whose planning folder the plan is. Raises UsageError (`not-found`) for a plan elsewhere."""
    place = plans.place_of(plan, services)
    if place is not None:
        identity = read_task_identity(plans.task_files(plan).root)
        # Before the task's first run there is none: then its folders name it.
        return identity or TaskKey.make(place.project, *place.task.split("/"))
    raise UsageError(
        "not-found",
        "the plan is not in a task's planning folder",
        where=plan,
        hint=okstra_command("plan", "adopt", plan, "--task-key", "KEY"),
    )


def _liveness(owners: Iterable[Owner | None]) -> dict[Owner, Liveness]:
    return {owner: liveness(owner) for owner in set(owners) if owner is not None}
