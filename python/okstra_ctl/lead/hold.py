"""Whether a led run still holds its stage, where machines share the task: asked before each dispatch, so that a run
that was taken over spends nothing more. Under a lease the run gives signs of life while it is led."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..errors import Missing, Refused
from ..sharing.joining import sharing_of
from ..sharing.signs_of_life import signs_for_stage
from ..status import ClaimStatus
from .context import RunContext

FENCED = "fenced"
"""The event of a run that was taken over."""


def require_hold(context: RunContext) -> None:
    """Raises Refused (`stage-not-held`) when another machine took the stage over.

    A remote that can't be reached stops no run that is under way: what it does is published later, or refused then.
    """
    key = context.id.stage_key
    sharing = sharing_of(context.run.project.root, context.id.task, context.services) if key else None
    if sharing is None or key is None:
        return
    claim = context.services.registry.read().stage(key)
    if claim is None or claim.run_id != str(context.id) or not claim.remote_token or claim.status is ClaimStatus.DONE:
        return
    try:
        sharing.require_hold(key.stage, claim)
    except Missing as error:
        context.print_progress(f"whether {context.id} still holds its stage is not known: {error.message}")
    except Refused as refused:
        if refused.code == "stage-not-held":
            context.record_event(FENCED, reason=refused.message)
        raise


@contextlib.contextmanager
def signs_of_life(context: RunContext) -> Iterator[None]:
    """While the run is led: three in the length of a lease; none where no lease was switched on."""
    key = context.id.stage_key
    claim = context.services.registry.read().stage(key) if key else None
    token = claim.remote_token if claim else ""
    with signs_for_stage(key, token, context.run.project.root, context.services):
        yield
