"""What machines share of a task, and how it may change. Nothing here reads or writes; `task_document.py` has the bytes,
`exchange.py` the git remote.

Every function takes a state and returns the next one, or raises Refused; a call that changes nothing, because it was
made before, returns an equal state. The rules:

- A stage's epoch only rises. One epoch has one token, drawn by the run that claims; whoever has another token or epoch
  is fenced: it can't release, renew or publish.
- A stage is done once under one plan (`plan_digest`). An edited plan opens its stages again, in higher epochs.
- A claim ends by its run (`release`, `publish_done`), by the same job or a person at once (`take_over`), or by anybody
  once a lease is over (`lease_rules.py`). Nobody is judged by another machine's clock: `at` is shown, not compared.
- Run numbers and the anchor come from here, so that run ids are unique among machines; whoever knows of higher epochs
  or numbers of their own names them in the `Wish`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..errors import Refused
from ..names import IMPLEMENTATION, Owner, RunId, TaskKey
from ..quoting import okstra_command
from ..status import Word

Unknown = Mapping[str, object]
"""Fields of a newer okstra, which are written back as they were read."""
_NONE: Unknown = MappingProxyType({})


class Hold(Word):
    """What became of a claim."""

    CLAIMED = "claimed"
    DONE = "done"
    RELEASED = "released"


class Takeover(Word):
    """By what right a claim of somebody else is taken."""

    JOB = "job"
    """The same job was started again."""
    PERSON = "person"
    LEASE = "lease"


class Holder(NamedTuple):
    """Who claims. Machines are told apart by `machine`, a random id; `process.host` is only shown."""

    machine: str
    process: Owner
    job: str = ""

    @property
    def host(self) -> str:
        return self.process.host


class Claim(NamedTuple):
    """Who has something since when. `beat` counts the signs of life that a holder gives under a lease."""

    status: Hold
    epoch: int
    token: str
    holder: Holder
    at: str
    beat: int = 0

    @property
    def is_held(self) -> bool:
        return self.status is Hold.CLAIMED


class SharedStage(NamedTuple):
    """A stage's newest claim. `plan_digest` is that of the plan it was claimed under; `head` and what follows are set
    once it is done."""

    claim: Claim
    plan_digest: str
    seq: int
    run_id: str
    base: str
    head: str = ""
    exit_check: str = ""
    proof: str = ""
    unknown: Unknown = _NONE


class Integration(NamedTuple):
    """The newest claim to merge stages into the task branch, and that branch's head after the last merge."""

    claim: Claim
    head: str = ""
    unknown: Unknown = _NONE


class Approval(NamedTuple):
    """Who approved the plan of that digest, when: words of the remote, which prove nothing by themselves."""

    digest: str
    who: str
    at: str


class SharedTask(NamedTuple):
    """The state. `next_runs` has the next number of each kind of run (`run_kind`); `anchor` is the commit that the
    task's first stage started from."""

    key: TaskKey
    anchor: str = ""
    approval: Approval | None = None
    next_runs: Mapping[str, int] = MappingProxyType({})
    stages: Mapping[int, SharedStage] = MappingProxyType({})
    integration: Integration | None = None
    unknown: Unknown = _NONE

    @property
    def plan_digest(self) -> str:
        return self.approval.digest if self.approval else ""

    def holds(self, stage: int, token: str) -> bool:
        """Whether the claim with that token stands: not given back, not done, not taken over."""
        found = self.stages.get(stage)
        return found is not None and found.claim.is_held and found.claim.token == token

    def is_done(self, stage: int) -> bool:
        """Whether the stage is done under the plan as it is approved now."""
        found = self.stages.get(stage)
        return found is not None and found.claim.status is Hold.DONE and found.plan_digest == self.plan_digest

    def with_stage(self, number: int, stage: SharedStage) -> SharedTask:
        return self._replace(stages={**self.stages, number: stage})


class Wish(NamedTuple):
    """A stage that a run wants. `token` is the run's own, drawn for this claim; `least_epoch` and `least_seq` are one
    higher than any that its machine knows of. `beat` is 1 where the claim is the first sign of life itself."""

    stage: int
    base: str
    token: str
    least_epoch: int = 1
    least_seq: int = 1
    beat: int = 0


class Watched(NamedTuple):
    """The very state of a claim that an observer has watched for as long as the lease lasts (`lease_rules.py`)."""

    epoch: int
    token: str
    beat: int

    @classmethod
    def of(cls, claim: Claim) -> Watched:
        return cls(claim.epoch, claim.token, claim.beat)


def run_kind(task_type: str, stage: int | None = None) -> str:
    """What runs are counted by: a phase, and for stages each one by itself."""
    return task_type if stage is None else f"{task_type}/stage-{stage}"


def take_run_number(state: SharedTask, kind: str, *, least: int = 1) -> tuple[SharedTask, int]:
    """The next number for a run of that kind, `least` or higher."""
    number = max(state.next_runs.get(kind, 1), least)
    return state._replace(next_runs={**state.next_runs, kind: number + 1}), number


def claim_stages(
    state: SharedTask, wishes: Sequence[Wish], holder: Holder, *, plan_digest: str, anchor: str, at: str
) -> SharedTask:
    """All of these stages, or none. `anchor` counts if the task has none yet.

    Raises Refused (`plan-not-approved`, `plan-changed`, `stage-done`, `stage-taken`).
    """
    _require_plan(state, plan_digest)
    for wish in wishes:
        if state.is_done(wish.stage):
            raise _done(state, wish.stage)
        found = state.stages.get(wish.stage)
        if found is not None and found.claim.is_held and found.claim.token != wish.token:
            raise _taken(state, wish.stage)
    state = state._replace(anchor=state.anchor or anchor)
    for wish in wishes:
        state = state if state.holds(wish.stage, wish.token) else _claimed(state, wish, holder, at)
    return state


def take_over(
    state: SharedTask, wish: Wish, holder: Holder, *, why: Takeover, at: str, watched: Watched | None = None
) -> SharedTask:
    """The stage, from whoever claims it now. Raises Refused (`stage-done`, `stage-taken`, `stage-not-held`)."""
    if state.is_done(wish.stage):
        raise _done(state, wish.stage)
    if state.holds(wish.stage, wish.token):
        return state
    found = state.stages.get(wish.stage)
    if found is None or not found.claim.is_held:
        raise Refused("stage-not-held", f"nobody holds stage {wish.stage}", hint="claim it as usual")
    if not _may_take(found.claim, why, holder, watched):
        raise _taken(state, wish.stage)
    return _claimed(state, wish, holder, at)


def release(state: SharedTask, stage: int, token: str) -> SharedTask:
    """The run gives its stage back. Raises Refused (`stage-not-held`)."""
    found = state.stages.get(stage)
    if found is None or found.claim.token != token or found.claim.status is Hold.DONE:
        raise _fenced(state, stage)
    return state.with_stage(stage, found._replace(claim=found.claim._replace(status=Hold.RELEASED)))


def take_away(state: SharedTask, stage: int, epoch: int) -> SharedTask:
    """A person gives back what somebody holds in that epoch, as they saw it. Raises Refused (`stage-not-held`)."""
    found = state.stages.get(stage)
    if found is None or not found.claim.is_held or found.claim.epoch != epoch:
        raise _fenced(state, stage)
    return state.with_stage(stage, found._replace(claim=found.claim._replace(status=Hold.RELEASED)))


def renew(state: SharedTask, tokens: Mapping[int, str]) -> SharedTask:
    """A sign of life for each of the stages, by its token. Raises Refused (`stage-not-held`) for one that is lost."""
    for stage, token in tokens.items():
        if not state.holds(stage, token):
            raise _fenced(state, stage)
        found = state.stages[stage]
        state = state.with_stage(stage, found._replace(claim=found.claim._replace(beat=found.claim.beat + 1)))
    return state


def renew_integration(state: SharedTask, token: str) -> SharedTask:
    """A sign of life for the claim to integrate. Raises Refused (`integration-taken`) when it is lost."""
    found = state.integration
    if found is None or found.claim.token != token or not found.claim.is_held:
        raise _integration_taken(state)
    return state._replace(integration=found._replace(claim=found.claim._replace(beat=found.claim.beat + 1)))


def publish_done(
    state: SharedTask, stage: int, *, epoch: int, token: str, head: str, exit_check: str = "", proof: str = ""
) -> SharedTask:
    """Records the stage as done at that commit. Raises Refused (`stage-not-held`) for a run that is fenced, and
    (`stage-done`) when it was recorded at another commit."""
    found = state.stages.get(stage)
    if found is None or (found.claim.epoch, found.claim.token) != (epoch, token):
        raise _fenced(state, stage)
    if found.claim.status is Hold.DONE:
        if found.head != head:
            raise _done(state, stage)
        return state
    if not found.claim.is_held:
        raise _fenced(state, stage)
    claim = found.claim._replace(status=Hold.DONE)
    return state.with_stage(stage, found._replace(claim=claim, head=head, exit_check=exit_check, proof=proof))


def approve(state: SharedTask, approval: Approval) -> SharedTask:
    """Claims under an earlier plan stand, and count as that plan's."""
    return state if state.approval == approval else state._replace(approval=approval)


def claim_integration(state: SharedTask, holder: Holder, token: str, *, at: str) -> SharedTask:
    """The right to merge stages into the task branch, of one at a time. Raises Refused (`integration-taken`)."""
    found = state.integration
    if found is not None and found.claim.is_held:
        if found.claim.token == token:
            return state
        raise _integration_taken(state)
    return _with_integration(state, holder, token, at)


def take_over_integration(
    state: SharedTask, holder: Holder, token: str, *, why: Takeover, at: str, watched: Watched | None = None
) -> SharedTask:
    """As `take_over`. Raises Refused (`integration-taken`)."""
    found = state.integration
    if found is not None and found.claim.is_held and found.claim.token != token:
        if not _may_take(found.claim, why, holder, watched):
            raise _integration_taken(state)
        return _with_integration(state, holder, token, at)
    return claim_integration(state, holder, token, at=at)


def end_integration(state: SharedTask, token: str, *, head: str = "") -> SharedTask:
    """Gives the right back. `head` is the task branch after the merge; empty when nothing was merged.

    Raises Refused (`integration-taken`) when somebody else has it by now.
    """
    found = state.integration
    if found is None or found.claim.token != token:
        raise _integration_taken(state)
    if not found.claim.is_held:
        return state
    claim = found.claim._replace(status=Hold.DONE if head else Hold.RELEASED)
    return state._replace(integration=found._replace(claim=claim, head=head or found.head))


def _claimed(state: SharedTask, wish: Wish, holder: Holder, at: str) -> SharedTask:
    before = state.stages.get(wish.stage)
    epoch = max(before.claim.epoch + 1 if before else 1, wish.least_epoch)
    state, seq = take_run_number(state, run_kind(IMPLEMENTATION, wish.stage), least=wish.least_seq)
    stage = SharedStage(
        claim=Claim(Hold.CLAIMED, epoch, wish.token, holder, at, wish.beat),
        plan_digest=state.plan_digest,
        seq=seq,
        run_id=str(RunId(state.key, IMPLEMENTATION, wish.stage, seq)),
        base=wish.base,
    )
    return state.with_stage(wish.stage, stage)


def _with_integration(state: SharedTask, holder: Holder, token: str, at: str) -> SharedTask:
    before = state.integration
    claim = Claim(Hold.CLAIMED, before.claim.epoch + 1 if before else 1, token, holder, at)
    return state._replace(integration=Integration(claim, before.head if before else ""))


def _may_take(claim: Claim, why: Takeover, holder: Holder, watched: Watched | None) -> bool:
    if why is Takeover.JOB:
        return bool(holder.job) and holder.job == claim.holder.job
    return why is Takeover.PERSON or watched == Watched.of(claim)


def _require_plan(state: SharedTask, digest: str) -> None:
    if not state.plan_digest:
        raise Refused(
            "plan-not-approved", "the remote has no approved plan of this task", hint="okstra plan approve publishes it"
        )
    if digest != state.plan_digest:
        raise Refused(
            "plan-changed",
            "the plan here is not the one that was approved last, as the remote has it",
            hint=f"{okstra_command('task', 'fetch', str(state.key))} brings that one",
        )


def _done(state: SharedTask, stage: int) -> Refused:
    found = state.stages[stage]
    message = f"stage {stage} is done: {found.run_id} on {found.claim.holder.host}, commit {found.head[:12]}"
    return Refused("stage-done", message, data=_facts(stage, found))


def _taken(state: SharedTask, stage: int) -> Refused:
    found = state.stages[stage]
    return Refused(
        "stage-taken",
        f"stage {stage} is held by {found.run_id} on {found.claim.holder.host}, since {found.claim.at}",
        hint="wait for it; once that run is known to be over: "
        + okstra_command("stage", "release", "--run", found.run_id, "--force"),
        data=_facts(stage, found),
    )


def _fenced(state: SharedTask, stage: int) -> Refused:
    found = state.stages.get(stage)
    if found is None:
        return Refused("stage-not-held", f"stage {stage} was never claimed on the remote")
    word = {Hold.CLAIMED: "is held by", Hold.DONE: "was done by", Hold.RELEASED: "was given back by"}
    return Refused(
        "stage-not-held",
        f"stage {stage} {word[found.claim.status]} {found.run_id} on {found.claim.holder.host}, "
        f"in epoch {found.claim.epoch}",
        hint="the run's commits stay on its branch",
        data=_facts(stage, found),
    )


def _integration_taken(state: SharedTask) -> Refused:
    found = state.integration
    forced = okstra_command("integrate", "--task-key", state.key, "--force")
    who = f"{found.claim.holder.host} in epoch {found.claim.epoch}, since {found.claim.at}" if found else "nobody"
    message = f"the claim to integrate is held by {who}"
    return Refused("integration-taken", message, hint=f"wait for it; once that machine is known to be gone: {forced}")


def _facts(stage: int, found: SharedStage) -> dict[str, object]:
    claim = found.claim
    return {
        "stage": stage,
        "status": str(claim.status),
        "epoch": claim.epoch,
        "run_id": found.run_id,
        "host": claim.holder.host,
        "machine": claim.holder.machine,
    }
