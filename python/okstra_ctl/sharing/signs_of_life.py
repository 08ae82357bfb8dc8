"""Signs of life that a process gives for a claim while it works under a lease."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial

from ..errors import OkstraError, Refused
from ..names import StageKey
from ..services import Services
from .joining import sharing_of

_LAST_BEAT_SECONDS = 5


@contextlib.contextmanager
def signs_for_stage(
    key: StageKey | None, token: str, root: str, services: Services, *, at_once: bool = True
) -> Iterator[None]:
    """For the claim with that token at the remote; none without one, or where no lease was switched on. `at_once` is
    False where the claim was the first sign. Raises as `sharing_of`."""
    sharing = sharing_of(root, key.task, services) if key and token else None
    if sharing is None or key is None:
        yield
        return
    with signs_of_life(partial(sharing.beat, key.stage, token), sharing.seconds_between_beats, at_once=at_once):
        yield


@contextlib.contextmanager
def signs_of_life(beat: Callable[[], None], seconds_between: float, *, at_once: bool = True) -> Iterator[None]:
    """At once, and then every so many seconds, until the block ends or `beat` raises Refused: the claim is over, and
    whoever works finds out at its next step. None where there is no lease, with 0 seconds."""
    if not seconds_between:
        yield
        return
    over = threading.Event()

    def give() -> None:
        if not at_once:
            over.wait(seconds_between)
        while not over.is_set():
            try:
                beat()
            except Refused:
                return
            except OkstraError:  # the network is away: perhaps it is back in time
                pass
            over.wait(seconds_between)

    thread = threading.Thread(target=give, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=_LAST_BEAT_SECONDS)
