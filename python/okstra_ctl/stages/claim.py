"""Reserving a stage atomically: choose it, decide its base, write the claim.

All of that is one registry transaction. What needs git (is a commit merged?) is looked up before, outside every lock;
when the transaction needs more, it ends without writing and is retried with the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import NamedTuple

from .. import git
from ..branch_names import stage_branch, task_branch
from ..claims import ledger
from ..claims.ledger import ledger_path
from ..claims.ledger_rows import started_row
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from ..names import IMPLEMENTATION, RunId, StageKey
from ..paths import RunFiles
from ..plan.model import Stage
from ..runs import numbers
from ..runs.request import Request
from ..services import Services
from ..status import ClaimStatus
from ..system.owner import nearest_client, this_process
from ..worktrees.create import lock_reason
from ..worktrees.task import check_free
from .records import load_records, merged_into
from .select import StageRecords, StageState, choose, commits_to_merge, decide_base, stage_states


class Reservation(NamedTuple):
    """A stage claimed by this run. `claim` is None in a degraded run, where the ledger row marks it."""

    run: RunId
    files: RunFiles
    stage: Stage
    epoch: int
    base_commit: str
    claim: StageClaim | None

    @property
    def key(self) -> StageKey:
        return StageKey(self.run.task, self.stage.number)


class Choice(NamedTuple):
    """The result of the rules: the stage, its base, and the epoch and branch it would get."""

    state: StageState
    base_commit: str
    epoch: int
    branch: str


class GitFacts(NamedTuple):
    """What was looked up in git: the task worktree's HEAD, which commits are merged into it, existing branches.

    `merged` is None where there is no task branch (degraded runs); `branches` is None until looked up.
    """

    head: str = ""
    merged: Mapping[str, bool] | None = MappingProxyType({})
    branches: frozenset[str] | None = None


class TaskWorktreeGone(Exception):
    """The task's worktree was removed since it was ensured: it has to be created again first."""


class _NeedsGit(Exception):
    """More has to be looked up in git before the choice can be made."""

    def __init__(self, commits: Set[str]) -> None:
        super().__init__()
        self.commits = commits


def preview(request: Request, services: Services) -> Choice:
    """The choice as it would be made now; reserves nothing."""
    facts = GitFacts(merged=None) if request.degraded else GitFacts()
    while True:
        try:
            return _choose(request, services.registry.read(), facts)
        except _NeedsGit as unknown:
            facts = _look_up(request, services, facts, unknown.commits)


def reserve_stage(request: Request, services: Services) -> Reservation:
    """Chooses and reserves in one transaction. Raises Refused with the reason when there is nothing to take, and
    TaskWorktreeGone."""
    facts = GitFacts()
    while True:
        try:
            with services.registry.transaction() as doc:
                return _reserve(request, services, doc, _choose(request, doc, facts))
        except _NeedsGit as unknown:
            facts = _look_up(request, services, facts, unknown.commits)


def reserve_degraded(request: Request, services: Services) -> Reservation:
    """A stage without a worktree: the ledger row alone marks it, written inside the transaction."""
    with services.registry.transaction() as doc:
        choice = _choose(request, doc, GitFacts(merged=None))
        stage = request.plan_map.stage(choice.state.stage)
        files = numbers.claim_run(request.task, IMPLEMENTATION, stage.number)
        run = RunId(request.key, IMPLEMENTATION, stage.number, int(files.seq))
        row = started_row(
            StageKey(request.key, stage.number),
            run_id=str(run),
            epoch=choice.epoch,
            digest=request.plan_map.digest,
            base=choice.base_commit,
            at=services.clock.now(),
        )
        owner = nearest_client()
        ledger.append(ledger_path(request.plan), [row._replace(owner=owner, note=str(request.degraded))])
        return Reservation(run, files, stage, choice.epoch, choice.base_commit, None)


def _choose(request: Request, doc: RegistryDoc, facts: GitFacts) -> Choice:
    claim = doc.task(request.key)
    view = ledger.read(ledger_path(request.plan), task_key=str(request.key), plan_digest=request.plan_map.digest)
    records = load_records(doc, request.key, view, None if facts.merged is None else dict(facts.merged))
    if facts.merged is not None:
        unknown = commits_to_merge(request.plan_map, records) - facts.merged.keys()
        if unknown:
            raise _NeedsGit(unknown)
    states = stage_states(request.plan_map, records)
    state = choose(states, request.inputs.stage)
    repository_head = request.repository.head if request.repository else ""
    anchor = (claim.implementation_base if claim else "") or repository_head
    base = decide_base(state, states, anchor=anchor, task_head=facts.head or repository_head)
    epoch = _next_epoch(request, state.stage, claim, records)
    if epoch > 1 and facts.branches is None and not request.degraded:
        raise _NeedsGit(frozenset())
    of_task = claim.branch if claim else task_branch(request.category, request.key)
    return Choice(state, base, epoch, stage_branch(of_task, state.stage, epoch, facts.branches or ()))


def _next_epoch(request: Request, stage: int, claim: TaskClaim | None, records: StageRecords) -> int:
    """One higher than any that the stage ever had, by the registry; where it has none, by the ledger."""
    claimed = records.claims.get(stage)
    remembered = claim.epochs.get(stage, 0) if claim else 0
    if not remembered:
        path = ledger_path(request.plan)
        remembered = ledger.highest_epoch(path, task_key=str(request.key), stage=stage)
    return 1 + max(remembered, claimed.epoch if claimed else 0)


def _reserve(request: Request, services: Services, doc: RegistryDoc, choice: Choice) -> Reservation:
    task_claim = doc.task(request.key)
    if task_claim is None or task_claim.status is not ClaimStatus.ACTIVE:
        raise TaskWorktreeGone
    stage = request.plan_map.stage(choice.state.stage)
    key = StageKey(request.key, stage.number)
    path = services.home.stage_worktree(request.key, stage.number)
    check_free(doc, request, choice.branch, path, str(key))
    files = numbers.claim_run(request.task, IMPLEMENTATION, stage.number)
    run = RunId(request.key, IMPLEMENTATION, stage.number, int(files.seq))
    claim = StageClaim(
        path=path,
        branch=choice.branch,
        base_commit=choice.base_commit,
        project_root=request.project.root,
        status=ClaimStatus.PROVISIONING,
        run_id=str(run),
        owner=this_process(),
        reserved_at=services.clock.now(),
        epoch=choice.epoch,
        token=lock_reason(str(key), choice.epoch),
        plan=request.plan,
        plan_digest=request.plan_map.digest,
    )
    doc.put_stage(key, claim)
    doc.put_task(
        request.key,
        task_claim._replace(
            implementation_base=task_claim.implementation_base or request.checkout.head,
            epochs={**task_claim.epochs, stage.number: choice.epoch},
        ),
    )
    return Reservation(run, files, stage, choice.epoch, choice.base_commit, claim)


def _look_up(request: Request, services: Services, facts: GitFacts, commits: Set[str]) -> GitFacts:
    """Looks up in git, outside every lock: ancestry of the task worktree's HEAD, and the existing stage branches."""
    claim = services.registry.read().task(request.key)
    of_task = claim.branch if claim else task_branch(request.category, request.key)
    branches = git.branches_like(request.checkout.top, of_task)
    head = git.resolve(claim.path, "HEAD") if claim and claim.status is ClaimStatus.ACTIVE else None
    wanted = commits | (facts.merged or {}).keys()
    if claim is None or not head:
        return GitFacts("", dict.fromkeys(wanted, False), branches)
    return GitFacts(head, merged_into(claim.path, head, wanted), branches)
