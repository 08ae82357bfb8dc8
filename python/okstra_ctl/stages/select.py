"""Which stage a run may take, and from which commit (docs/design/reservation.md).

`stage_states` folds the records into each stage's status; `choose` picks one or refuses with the reason; `decide_base`
returns the commit. All three are pure: the caller loads, and acts on the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..claims.ledger_rows import DONE_ROWS, LedgerRow, LedgerView
from ..claims.registry_document import StageClaim
from ..errors import Refused
from ..names import AUTO, IMPLEMENTATION, Owner
from ..plan.model import Stage, StageMap, named, number_list, waves
from ..quoting import okstra_command
from ..sharing.elsewhere import Elsewhere
from ..status import (
    ClaimStatus,
    LedgerStatus,
    Liveness,
    RunStatus,
    StageStatus,
    is_unpublished,
    next_step,
    publishing,
    stage_status,
)

_OF_RUN = {
    StageStatus.RUNNING: RunStatus.RUNNING,
    StageStatus.RESERVED: RunStatus.RESERVED,
    StageStatus.INTERRUPTED: RunStatus.INTERRUPTED,
    StageStatus.FAILED: RunStatus.FAILED,
    StageStatus.CONTRACT_VIOLATED: RunStatus.CONTRACT_VIOLATED,
}
_MERGE_HINT = (
    "merge them into the task branch: `okstra integrate --task-key KEY`, or `git merge` in the task worktree "
    "(`okstra worktree lookup KEY`)"
)


class StageState(NamedTuple):
    """The state of a stage. `blocked_by` are stage numbers; `unmerged` those done but not merged yet.

    `done_elsewhere`: its place is taken by a run that did it under another version of the plan. `overrule`: why a
    person recorded it as done though its run's gates were not all passed. `proof`: what its exit check showed then.
    `job`: the `okstra work` that took it.
    `host`: the other machine that holds it or did it; empty when it was this one.
    """

    stage: int
    title: str
    depends_on: tuple[int, ...]
    files: tuple[str, ...]
    status: StageStatus
    blocked_by: tuple[int, ...] = ()
    unmerged: tuple[int, ...] = ()
    run_id: str = ""
    branch: str = ""
    head_commit: str = ""
    worktree: str = ""
    since: str = ""
    owner: Owner | None = None
    epoch: int = 0
    done_elsewhere: bool = False
    overrule: str = ""
    proof: str = ""
    job: str = ""
    host: str = ""
    gates_open: bool = False
    """okstra leads its run there, and not all gates of the run were passed yet."""
    unpublished: bool = False
    """Its exit check passed, and other machines don't know yet (`okstra stage publish`)."""


class StageRecords(NamedTuple):
    """What the states depend on: the ledger, the claims, which owners are alive, and which done commits are merged.

    `merged` maps a done commit to whether it is an ancestor of the task worktree's HEAD; a missing one counts as not
    merged. None: there is no task branch to merge into (degraded runs).
    `epochs`: the highest of each stage in the registry; empty in degraded runs. `ends`: the recorded outcomes of the
    runs that hold stages, by their manifests. `elsewhere`: what other machines hold or did.
    """

    ledger: LedgerView
    claims: Mapping[int, StageClaim]
    liveness: Mapping[Owner, Liveness]
    merged: Mapping[str, bool] | None
    epochs: Mapping[int, int] = MappingProxyType({})
    ends: Mapping[str, str] = MappingProxyType({})
    elsewhere: Mapping[int, Elsewhere] = MappingProxyType({})


def stage_states(stage_map: StageMap, records: StageRecords) -> list[StageState]:
    """Every stage's status, in number order."""
    held = _claimed_states(stage_map, records)
    return [held[stage.number] or _open_state(stage, held, records.merged) for stage in stage_map.stages]


def commits_to_merge(stage_map: StageMap, records: StageRecords) -> set[str]:
    """Done commits whose ancestry decides a stage with several dependencies: what the caller must look up."""
    held = _claimed_states(stage_map, records)
    wanted: set[str] = set()
    for stage in stage_map.stages:
        if held[stage.number] is None and len(stage.depends_on) > 1:
            needs = [held.get(need) for need in stage.depends_on]
            done = [state.head_commit for state in needs if state is not None and state.status is StageStatus.DONE]
            wanted.update(done if len(done) == len(needs) else ())
    return wanted


def choose(states: list[StageState], wanted: str) -> StageState:
    """The stage to start: the lowest ready one for `auto`, else that number. Raises Refused with the reason."""
    if wanted == AUTO:
        ready = [state for state in states if state.status is StageStatus.READY]
        if ready:
            return ready[0]
        raise _none_ready(states)
    for state in states:
        if str(state.stage) == wanted:
            if state.status is StageStatus.READY:
                return state
            raise _refusal(state)
    raise Refused(
        "stage-blocked",
        f"the plan has no stage {wanted}",
        hint=f"its stages are {number_list(state.stage for state in states)}; or use --stage auto",
    )


def decide_base(state: StageState, states: list[StageState], *, anchor: str, task_head: str) -> str:
    """The commit a ready stage starts from: the anchor, its one predecessor, or the merged task HEAD."""
    if not state.depends_on:
        return anchor
    if len(state.depends_on) > 1:
        return task_head
    (need,) = (other for other in states if other.stage == state.depends_on[0])
    return need.head_commit


def why_not(state: StageState) -> str:
    """One clause that says why a stage can't be started."""
    holder = f"run {state.run_id}" + (f", since {state.since}" if state.since else "")
    named_host = state.host or (state.owner.host if state.owner else "")
    host = f", on {named_host}" if named_host else ""
    if state.unpublished:
        return f"stage {state.stage} is proven by {holder}, and not published: other machines don't know of it yet"
    return {
        StageStatus.DONE: f"stage {state.stage} is done"
        + (f" at {state.head_commit[:12]}" if state.head_commit else "")
        + (host if state.host else ""),
        StageStatus.RUNNING: f"stage {state.stage} is running: {holder}{host}",
        StageStatus.RESERVED: f"stage {state.stage} is reserved by {holder}; no agent has started",
        StageStatus.INTERRUPTED: f"stage {state.stage} is interrupted: {holder}; its process is gone, its work is kept",
        StageStatus.FAILED: f"stage {state.stage} failed: {holder}; its work is kept",
        StageStatus.CONTRACT_VIOLATED: f"stage {state.stage} is held by {holder}, which violated its contract",
        StageStatus.BLOCKED: _why_blocked(state),
        StageStatus.READY: f"stage {state.stage} is ready",
    }[state.status]


def _why_blocked(state: StageState) -> str:
    if state.done_elsewhere:
        return f"stage {state.stage} is blocked: run {state.run_id} did it under another version of the plan"
    if state.unmerged:
        verb = "is" if len(state.unmerged) == 1 else "are"
        return (
            f"stage {state.stage} is blocked: {named(state.unmerged)} {verb} done, but not merged into the task branch"
        )
    return f"stage {state.stage} is blocked by {named(state.blocked_by)}"


def _claimed_states(stage_map: StageMap, records: StageRecords) -> dict[int, StageState | None]:
    return {stage.number: _claimed_state(stage, stage_map.digest, records) for stage in stage_map.stages}


def _claimed_state(stage: Stage, digest: str, records: StageRecords) -> StageState | None:
    """As `_claimed_here`, unless another machine holds or did the stage by a later claim."""
    here, other = _claimed_here(stage, digest, records), records.elsewhere.get(stage.number)
    if other is None or (here is not None and here.epoch > other.epoch):
        return here
    if here is not None and here.epoch == other.epoch:
        if here.run_id == other.run_id:  # a row that came from the machine that did it
            here = here._replace(host=other.host, gates_open=other.gates_open)
        if not other.done or here.status is StageStatus.DONE:
            return here
        return here._replace(status=StageStatus.DONE, head_commit=other.head_commit, proof=other.proof)
    return StageState(
        stage.number,
        stage.title,
        stage.depends_on,
        stage.files,
        StageStatus.DONE if other.done else StageStatus.RUNNING,
        run_id=other.run_id,
        head_commit=other.head_commit,
        since=other.since,
        epoch=other.epoch,
        overrule=other.overrule,
        proof=other.proof,
        host=other.host,
        gates_open=other.gates_open,
    )


def _claimed_here(stage: Stage, digest: str, records: StageRecords) -> StageState | None:
    """The state of a stage that is done or claimed; None when it is open.

    A claim in work counts whatever the plan says now. A done one counts for its own digest only: under another, the
    stage is done only if the ledger says so, and else its worktree must be removed first.
    """
    claim, row = records.claims.get(stage.number), records.ledger.newest.get(stage.number)
    base = StageState(stage.number, stage.title, stage.depends_on, stage.files, StageStatus.READY)
    elsewhere = claim is not None and claim.status is ClaimStatus.DONE and claim.plan_digest != digest
    if row is not None and row.status in DONE_ROWS and (claim is None or elsewhere or claim.epoch <= row.epoch):
        done = _from_row(base, row, StageStatus.DONE)
        return done._replace(branch=claim.branch, job=claim.job) if claim and not elsewhere else done
    if claim is not None and elsewhere:
        return _from_claim(base, claim, StageStatus.BLOCKED)._replace(done_elsewhere=True)
    if claim is not None:
        live = _liveness(claim.owner, records.liveness)
        status = stage_status(claim.status, records.ends.get(claim.run_id, ""), live)
        return _from_claim(base, claim, status)._replace(head_commit=row.head_commit if row else "")
    if row is not None and row.status is LedgerStatus.STARTED and row.epoch >= records.epochs.get(stage.number, 0):
        live = _liveness(row.owner, records.liveness)
        return _from_row(base, row, stage_status(ClaimStatus.ACTIVE, records.ends.get(row.run_id, ""), live))
    return None


def _from_claim(base: StageState, claim: StageClaim, status: StageStatus) -> StageState:
    return base._replace(
        status=status,
        run_id=claim.run_id,
        branch=claim.branch,
        worktree=claim.path,
        since=claim.reserved_at,
        owner=claim.owner,
        epoch=claim.epoch,
        job=claim.job,
        unpublished=is_unpublished(claim.proven, status),
    )


def _from_row(base: StageState, row: LedgerRow, status: StageStatus) -> StageState:
    return base._replace(
        status=status,
        run_id=row.run_id,
        head_commit=row.head_commit,
        since=row.at,
        owner=row.owner,
        epoch=row.epoch,
        overrule=row.overrule,
        proof=row.proof,
    )


def _liveness(owner: Owner | None, known: Mapping[Owner, Liveness]) -> Liveness:
    return Liveness.NOBODY if owner is None else known.get(owner, Liveness.UNKNOWN)


def _open_state(
    stage: Stage, claimed: Mapping[int, StageState | None], merged: Mapping[str, bool] | None
) -> StageState:
    base = StageState(stage.number, stage.title, stage.depends_on, stage.files, StageStatus.READY)
    needs = {need: claimed.get(need) for need in stage.depends_on}
    missing = tuple(need for need, state in needs.items() if state is None or state.status is not StageStatus.DONE)
    if missing:
        return base._replace(status=StageStatus.BLOCKED, blocked_by=missing)
    if merged is None or len(needs) < 2:
        return base
    unmerged = tuple(need for need, state in needs.items() if state and not merged.get(state.head_commit))
    if unmerged:
        return base._replace(status=StageStatus.BLOCKED, blocked_by=unmerged, unmerged=unmerged)
    return base


def _none_ready(states: list[StageState]) -> Refused:
    left = [state for state in states if state.status is not StageStatus.DONE]
    if not left:
        return Refused(
            "no-stage-ready",
            f"no stage is ready: all {len(states)} stages of the plan are done",
            hint="start the final-verification phase",
        )
    shown = [why_not(state) for state in left[:8]]
    more = f"; and {len(left) - 8} more" if len(left) > 8 else ""
    return Refused(
        "no-stage-ready",
        "no stage is ready: " + "; ".join(shown) + more,
        hint=_way_on(left),
        data={"stages": [{"stage": state.stage, "status": str(state.status)} for state in states]},
    )


def _way_on(left: list[StageState]) -> str:
    if any(state.status is StageStatus.INTERRUPTED for state in left):
        return "`okstra stage release --run RUN` gives an interrupted stage back; its branch stays"
    if any(state.unmerged for state in left):
        return _MERGE_HINT
    unpublished = [state for state in left if state.unpublished]
    if unpublished:
        return f"`{publishing(unpublished[0].run_id)}` lets other machines know"
    done_elsewhere = [state for state in left if state.done_elsewhere]
    if done_elsewhere:
        return _clearing_hint(done_elsewhere[0])
    return "wait for a stage to be done; `okstra stage list --plan PLAN` shows them"


def _clearing_hint(state: StageState) -> str:
    key = f"{state.run_id.rpartition('/implementation/')[0]}#stage-{state.stage}"
    return f"`{okstra_command('worktree', 'remove', key)}` makes room, keeping its branch; then start the stage anew"


def _refusal(state: StageState) -> Refused:
    release = f"`{okstra_command('stage', 'release', '--run', state.run_id)}` gives it back, keeping its branch"
    code, hint = {
        StageStatus.DONE: ("stage-done", f"to do it over, use `{okstra_command('run', '--again', state.run_id)}`"),
        StageStatus.RUNNING: ("stage-running", "wait for it, or start another with --stage auto"),
        StageStatus.RESERVED: ("stage-reserved", release),
        StageStatus.INTERRUPTED: (
            "stage-interrupted",
            f"`{okstra_command('run', '--again', state.run_id)}` goes on; {release}",
        ),
        StageStatus.FAILED: ("stage-failed", f"`{okstra_command('resume', state.run_id)}` goes on; {release}"),
        StageStatus.CONTRACT_VIOLATED: ("stage-failed", f"{okstra_command('show', state.run_id)}; {release}"),
        StageStatus.BLOCKED: ("stage-blocked", "start what it waits for first"),
    }[state.status]
    if state.unmerged:
        code, hint = "stage-unmerged", _MERGE_HINT
    if state.done_elsewhere:
        hint = _clearing_hint(state)
    if state.unpublished:
        hint = f"`{publishing(state.run_id)}` finishes it"
    if state.host:
        hint = "start another with --stage auto"
        if state.status is StageStatus.RUNNING:
            taken = okstra_command("stage", "release", "--run", state.run_id, "--force")
            hint = f"wait for it, or {hint}; once that machine is known to be gone: {taken}"
    return Refused(code, why_not(state), where=f"stage {state.stage}", hint=hint)


def next_of_stage(state: StageState, task_key: str) -> str:
    """The next command for a stage: for its run, or to start it; empty when it is done, or blocked."""
    if state.unpublished:
        return publishing(state.run_id)
    held = _OF_RUN.get(state.status)
    if held is not None and state.host:
        return ""  # its run is that machine's
    if held is not None:
        return next_step(held, state.run_id, stage=True)
    if state.status is not StageStatus.READY:
        return ""
    return okstra_command("run", "--task-key", task_key, "--task-type", IMPLEMENTATION, "--stage", state.stage)


class DoneStage(NamedTuple):
    """A stage to merge, at its done commit."""

    stage: int
    commit: str
    exit_check: str


def merge_order(states: Iterable[StageState], checks: Mapping[int, str]) -> list[DoneStage]:
    """Done stages, each after those it depends on; the lowest number first where the order is free."""
    done = {state.stage: state for state in states if state.status is StageStatus.DONE and state.head_commit}
    graph = {number: tuple(need for need in state.depends_on if need in done) for number, state in done.items()}
    return [DoneStage(number, done[number].head_commit, checks[number]) for wave in waves(graph) for number in wave]
