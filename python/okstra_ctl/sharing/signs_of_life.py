"""Signs of life that a process gives for a claim while it works under a lease."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from ..errors import OkstraError, Refused

_LAST_BEAT_SECONDS = 5


@contextlib.contextmanager
def signs_of_life(beat: Callable[[], None], seconds_between: float) -> Iterator[None]:
    """At once, and then every so many seconds, until the block ends or `beat` raises Refused: the claim is over, and
    whoever works finds out at its next step. None where there is no lease, with 0 seconds."""
    if not seconds_between:
        yield
        return
    over = threading.Event()

    def give() -> None:
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
