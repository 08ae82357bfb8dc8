"""The shared state of a task as this machine's choice of a stage sees it. Pure.

What this machine itself holds is left out: its registry knows better, and says nothing of a claim whose run is gone.
"""

from __future__ import annotations

from collections.abc import Collection

from ..names import IMPLEMENTATION
from ..remote.shared_task import Claim, Holder, SharedStage, SharedTask, run_kind
from .elsewhere import Elsewhere, Shared

GATES, OVERRULE = "gates", "overrule"
"""Further fields of a done stage: whether gates of its led run are open, and why a person overruled them."""


def view_of(state: SharedTask, me: Holder, free: Collection[int] = ()) -> Shared:
    """`free`: stages whose lease is over, so that this machine may take them."""
    stages = {}
    for number, one in state.stages.items():
        done = state.is_done(number)
        if done or (one.claim.is_held and not is_mine(one.claim, me) and number not in free):
            stages[number] = _elsewhere(one, me, done=done)
    return Shared(
        stages,
        {number: one.claim.epoch for number, one in state.stages.items()},
        {number: state.next_runs.get(run_kind(IMPLEMENTATION, number), 1) for number in state.stages},
        state.anchor,
    )


def is_mine(claim: Claim, me: Holder) -> bool:
    """Whether this machine, or this job on another machine, may go on with it at once."""
    return claim.holder.machine == me.machine or bool(me.job and claim.holder.job == me.job)


def orphans(state: SharedTask, me: Holder, known: Collection[str]) -> dict[int, str]:
    """Claims of this machine, by their tokens, of which its registry knows nothing: their processes were killed between
    the remote's claim and the registry's, or before the stage was given back.

    `known`: the tokens and run ids in the registry; one that was rebuilt has no tokens. They must have been read after
    the state: whoever claims writes its own registry first.
    """
    return {
        number: one.claim.token
        for number, one in state.stages.items()
        if one.claim.is_held and one.claim.holder.machine == me.machine and not {one.claim.token, one.run_id} & {*known}
    }


def _elsewhere(one: SharedStage, me: Holder, *, done: bool) -> Elsewhere:
    mine = one.claim.holder.machine == me.machine
    host = "" if mine else one.claim.holder.host
    overrule = one.unknown.get(OVERRULE, "")
    if not done:
        return Elsewhere(one.claim.epoch, one.run_id, host, one.claim.at)
    return Elsewhere(
        one.claim.epoch,
        one.run_id,
        host,
        one.claim.at,
        done,
        one.head,
        one.proof,
        overrule if isinstance(overrule, str) else "",
        bool(one.unknown.get(GATES)),
    )
