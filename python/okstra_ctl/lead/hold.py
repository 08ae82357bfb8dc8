"""Whether a led run still holds its stage, where machines share the task: asked before each dispatch, so that a run
that was taken over spends nothing more. Under a lease the run gives signs of life while it is led."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from ..errors import Missing, OkstraError, Refused
from ..sharing.joining import sharing_of
from ..status import ClaimStatus
from .context import RunContext

FENCED = "fenced"
"""The event of a run that was taken over."""
_LAST_BEAT_SECONDS = 5


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
    sharing = sharing_of(context.run.project.root, context.id.task, context.services) if key else None
    claim = context.services.registry.read().stage(key) if key and sharing else None
    if sharing is None or key is None or not sharing.seconds_between_beats or claim is None or not claim.remote_token:
        yield
        return
    over = threading.Event()
    stage, token, beating = key.stage, claim.remote_token, sharing

    def beat() -> None:
        while not over.wait(beating.seconds_between_beats):
            try:
                beating.beat(stage, token)
            except Refused:  # taken over, or done: the next dispatch asks
                return
            except OkstraError:  # the network is away: perhaps it is back in time
                continue

    thread = threading.Thread(target=beat, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=_LAST_BEAT_SECONDS)
