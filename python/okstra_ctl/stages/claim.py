"""Reserving a stage atomically: choose it, decide its base, write the claim.

All of that is one registry transaction. What needs git (is a commit merged?) is looked up before, outside every lock;
when the transaction needs more, it ends without writing and is retried with the results.

Where machines share the task's claims, the transaction writes an intent, with the token of a claim at the remote; that
is made next, outside every lock. When another machine was faster, the intent is undone, and the choice made anew.

A stage is given back by `okstra stage release`. Its branch remains; its worktree is removed once nothing in it can be
lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import NamedTuple

from .. import git, leadership
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path, next_epoch
from ..claims.ledger_rows import DONE_ROWS, LedgerRow, row_id, started_row
from ..claims.registry_document import RegistryDoc, StageClaim
from ..errors import OkstraError, Refused
from ..index import run_index
from ..names import IMPLEMENTATION, RunId, StageKey, stage_branch, task_branch
from ..paths import RunFiles
from ..plan.model import Stage
from ..quoting import okstra_command
from ..runs.find import KnownRun, claim_run
from ..runs.request import Request
from ..services import Services
from ..sharing.elsewhere import ALONE, Shared
from ..sharing.joining import job_in, known_view, sharing_of, wanted_of
from ..status import ClaimStatus, LedgerStatus, Liveness
from ..system.process_identity import liveness, nearest_client, this_process
from ..tasks import records as task_records
from ..worktrees import half_made
from ..worktrees.create import lock_reason
from ..worktrees.remove import save_and_remove
from ..worktrees.task import check_free
from ..worktrees.unsaved import SavePolicy
from .done import is_degraded, newest_row, require_claim, require_degraded_claim
from .records import load_records, merged_into
from .select import StageState, choose, commits_to_merge, decide_base, stage_states


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

    @property
    def registered(self) -> StageClaim:
        """The claim of a run that is not degraded."""
        assert self.claim is not None, "a degraded reservation has no claim"
        return self.claim


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


def preview_claim(request: Request, services: Services) -> Choice:
    """The choice as it would be made now; reserves nothing."""
    facts = GitFacts(merged=None) if request.degraded else GitFacts()
    shared = known_view(request.project.root, request.key, services)
    while True:
        try:
            return _choose(request, services.registry.read(), facts, shared)
        except _NeedsGit as unknown:
            facts = _look_up(request, services, facts, unknown.commits)


def reserve_stage(request: Request, services: Services) -> Reservation:
    """Chooses and reserves in one transaction. Raises Refused with the reason when there is nothing to take, and
    TaskWorktreeGone; what `SharedClaims` raises when the remote can't be reached."""
    sharing = sharing_of(request.project.root, request.key, services)
    if sharing is None:
        return _reserve_here(request, services, ALONE, "")
    while True:
        shared = sharing.fetch()
        held = _reserve_here(request, services, shared, sharing.new_token())
        try:
            sharing.bring(request.checkout, held.base_commit)
            wanted = wanted_of(held.key, held.registered, led=request.inputs.led_by_okstra)
            digest, anchor = request.plan_map.digest, _anchor(held, services)
            if sharing.claim([wanted], digest=digest, plan=request.plan, anchor=anchor):
                return held
        except BaseException:
            drop_reservation(held, services)
            raise
        drop_reservation(held, services)


def _reserve_here(request: Request, services: Services, shared: Shared, token: str) -> Reservation:
    facts = GitFacts()
    while True:
        try:
            with services.registry.transaction() as doc:
                choice = _choose(request, doc, facts, shared)
                return _reserve(request, services, doc, choice, shared, token)
        except _NeedsGit as unknown:
            facts = _look_up(request, services, facts, unknown.commits)


def _anchor(held: Reservation, services: Services) -> str:
    task = services.registry.read().task(held.run.task)
    return task.implementation_base if task else ""


def drop_reservation(held: Reservation, services: Services) -> None:
    """Takes a reservation back whose worktree is not in use yet. Its claim at the remote is given back by
    `give_back_orphans`, at once or by the machine's next command."""
    with services.registry.transaction() as doc:
        claim = doc.stage(held.key)
        mine = held.claim is not None and claim is not None and claim.token == held.claim.token
        if mine and claim is not None and claim.status is ClaimStatus.PROVISIONING:
            doc.remove_stage(held.key)


def reserve_degraded(request: Request, services: Services) -> Reservation:
    """A stage without a worktree: the ledger row alone marks it, written inside the transaction."""
    with services.registry.transaction() as doc:
        choice = _choose(request, doc, GitFacts(merged=None), ALONE)
        stage = request.plan_map.stage(choice.state.stage)
        files = claim_run(request.task, IMPLEMENTATION, stage.number)
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
        ledger_file.append(ledger_path(request.plan), [row._replace(owner=owner, note=str(request.degraded))])
        return Reservation(run, files, stage, choice.epoch, choice.base_commit, None)


def _choose(request: Request, doc: RegistryDoc, facts: GitFacts, shared: Shared) -> Choice:
    claim = doc.task(request.key)
    view = ledger_file.read(ledger_path(request.plan), task_key=str(request.key), plan_digest=request.plan_map.digest)
    records = load_records(doc, request.key, view, None if facts.merged is None else dict(facts.merged))
    records = records._replace(elsewhere=shared.stages)
    if facts.merged is not None:
        unknown = commits_to_merge(request.plan_map, records) - facts.merged.keys()
        if unknown:
            raise _NeedsGit(unknown)
    states = stage_states(request.plan_map, records)
    state = choose(states, request.inputs.stage)
    repository_head = request.repository.head if request.repository else ""
    anchor = shared.anchor or (claim.implementation_base if claim else "") or repository_head
    base = decide_base(state, states, anchor=anchor, task_head=facts.head or repository_head)
    epoch = next_epoch(doc, StageKey(request.key, state.stage), request.plan)
    epoch = max(epoch, shared.next_epoch(state.stage))
    if epoch > 1 and facts.branches is None and not request.degraded:
        raise _NeedsGit(frozenset())
    of_task = claim.branch if claim else task_branch(request.category, request.key)
    return Choice(state, base, epoch, stage_branch(of_task, state.stage, epoch, facts.branches or ()))


def _reserve(
    request: Request, services: Services, doc: RegistryDoc, choice: Choice, shared: Shared, token: str
) -> Reservation:
    task_claim = doc.task(request.key)
    if task_claim is None or task_claim.status is not ClaimStatus.ACTIVE:
        raise TaskWorktreeGone
    stage = request.plan_map.stage(choice.state.stage)
    key = StageKey(request.key, stage.number)
    path = services.home.stage_worktree(request.key, stage.number)
    check_free(doc, request, choice.branch, path, str(key))
    files = claim_run(request.task, IMPLEMENTATION, stage.number, at_least=shared.next_seq(stage.number))
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
        job=job_in(services.environment),
        remote_token=token,
    )
    doc.put_stage(key, claim)
    doc.put_task(
        request.key,
        task_claim._replace(
            implementation_base=shared.anchor or task_claim.implementation_base or request.checkout.head,
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


class StageReleased(NamedTuple):
    """`branch` is the one that has the stage's commits; empty when there is none. `kept` as in `Removed`."""

    run_id: str
    stage: int
    branch: str
    kept: str
    warnings: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    """The ignored files, which were removed with the worktree."""


def release_stage(
    run: KnownRun,
    services: Services,
    *,
    force: bool,
    saves: bool = False,
    note: str = "",
    skip_teardown: bool = False,
) -> StageReleased:
    """Raises Refused when the run is alive or the worktree has unsaved work, unless forced. `saves`: unsaved work alone
    is no obstacle.

    Uncommitted and untracked files are kept by a ref under `refs/okstra/kept/` then.
    """
    key = run.id.stage_key
    if key is None:
        raise Refused("stage-not-held", f"{run.id} is not a stage's run", where=str(run.id))
    if not force:
        leadership.check_owner(run, leadership.owner_in(run, run.manifest))
    at = services.clock.now()
    if is_degraded(run):
        row = _released_row(run, key, at, run.base_commit, note)
        with services.registry.transaction():
            require_degraded_claim(run)
            ledger_file.append(ledger_path(run.plan_path), [row])
        return StageReleased(str(run.id), key.stage, "", "", _record_released(run, at, services))
    current = services.registry.read().stage(key)
    if current is not None and (current.before or current.restores) and half_made.is_abandoned(current):
        half_made.undo(key, current, services)  # a rerun or restore was killed
        current = services.registry.read().stage(key)
    if current is not None and current.run_id == str(run.id) and half_made.is_abandoned(current):
        half_made.undo(key, current, services)  # killed while being prepared or released
        branch = git.existing_branch(current.project_root, current.branch)
        unshared = _give_back(run, current, services)
        return StageReleased(str(run.id), key.stage, branch, "", (*_record_released(run, at, services), *unshared))
    claim = require_claim(run, current)
    _check_not_recorded_as_done(run)
    _check_nobody_works(run, claim, force=force)
    head = git.branch_commit(claim.project_root, claim.branch) or claim.base_commit
    row = _released_row(run, key, at, head, note)
    rows = [half_made.started_row_of(key, claim), row]
    saved = save_and_remove(
        key,
        claim,
        services,
        SavePolicy(force or saves, skip_teardown),
        at_intent=lambda _: ledger_file.append(ledger_path(run.plan_path), rows),
    )
    branch = git.existing_branch(claim.project_root, claim.branch)
    warnings = (*_record_released(run, at, services), *_give_back(run, claim, services))
    return StageReleased(str(run.id), key.stage, branch, saved.ref, warnings, saved.ignored)


def _give_back(run: KnownRun, claim: StageClaim, services: Services) -> tuple[str, ...]:
    """Gives the stage back for other machines; returns a warning when that failed: the next command that takes a stage
    of the task here, or `okstra reconcile --apply`, does it then."""
    sharing = sharing_of(run.project.root, run.id.task, services) if claim.remote_token else None
    if sharing is None or run.id.stage is None:
        return ()
    try:
        sharing.give_back({run.id.stage: claim.remote_token})
    except OkstraError as error:
        later = okstra_command("reconcile", "--apply")
        return (f"other machines don't know that the stage is free: {error.message}; later: {later}",)
    return ()


def _released_row(run: KnownRun, key: StageKey, at: str, head: str, note: str) -> LedgerRow:
    return LedgerRow(
        id=row_id(str(run.id), run.epoch, LedgerStatus.RELEASED),
        impl_task_key=str(run.id.task),
        stage=key.stage,
        status=LedgerStatus.RELEASED,
        at=at,
        run_id=str(run.id),
        epoch=run.epoch,
        plan_digest=run.plan_digest,
        head_commit=head,
        note=note,
    )


def _check_not_recorded_as_done(run: KnownRun) -> None:
    """A `stage done` that was killed between its row and the claim counts as done: the row decides."""
    row = newest_row(run)
    if row is not None and row.run_id == str(run.id) and row.status in DONE_ROWS:
        raise Refused(
            "stage-done",
            f"stage {run.id.stage} is done already",
            where=ledger_path(run.plan_path),
            hint=f"{okstra_command('stage', 'done', '--run', run.id)} finishes the killed command",
        )


def _check_nobody_works(run: KnownRun, claim: StageClaim, *, force: bool) -> None:
    if force:
        return
    leadership.check_owner(run, claim.owner)
    if claim.owner is not None and liveness(claim.owner) is Liveness.UNKNOWN:
        raise Refused(
            "worktree-held",
            f"process {claim.owner.pid} on {claim.owner.host} may still work on {claim.run_id}",
            where=claim.path,
            hint="end it first, or release with --force",
        )


def _record_released(run: KnownRun, at: str, services: Services) -> tuple[str, ...]:
    news = task_records.RunNews(run.id, "released", at, okstra_command("stage", "list", "--plan", run.plan_path))
    row = run_index.IndexRow(
        str(run.id), "released", at, run.id.task_type, run.id.stage, run.project.root, run.files.manifest
    )
    warnings = [task_records.try_record(run.project, news), run_index.try_append(services.home, row)]
    return tuple(warning for warning in warnings if warning)
