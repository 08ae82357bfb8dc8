"""One state of two that went separate ways: a remote lost what was there, and somebody began anew."""

from __future__ import annotations

from .shared_task import Hold, SharedStage, SharedTask


def merged(ours: SharedTask, theirs: SharedTask) -> SharedTask:
    """One state of two that went separate ways, after the remote lost ours: no epoch or number goes down, done stays
    done. Of two claims to one stage the one in the higher epoch stands, ours when they are equal."""
    kinds = {*ours.next_runs, *theirs.next_runs}
    integrations = [one for one in (ours.integration, theirs.integration) if one is not None]
    return ours._replace(
        anchor=ours.anchor or theirs.anchor,
        approval=ours.approval or theirs.approval,
        next_runs={kind: max(ours.next_runs.get(kind, 1), theirs.next_runs.get(kind, 1)) for kind in sorted(kinds)},
        stages={number: _stronger(ours, theirs, number) for number in sorted({*ours.stages, *theirs.stages})},
        integration=max(integrations, key=lambda one: one.claim.epoch, default=None),
    )


def _stronger(ours: SharedTask, theirs: SharedTask, number: int) -> SharedStage:
    found = [one for one in (ours.stages.get(number), theirs.stages.get(number)) if one is not None]
    best = max(found, key=lambda one: (one.claim.status is Hold.DONE, one.claim.epoch))
    epoch = max(one.claim.epoch for one in found)
    return best._replace(claim=best.claim._replace(epoch=epoch)) if epoch != best.claim.epoch else best
