"""What a worker that waits says, and how long it waits for a remote that does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from ..errors import OkstraError
from ..lead.waves import PrintProgress
from ..quoting import okstra_command
from ..stages.select import StageState, why_not
from ..status import StageStatus

UNREACHABLE = "remote-unreachable"
_LONGEST_SILENCE = 600.0
_EVERY = 180.0
_AT_WORK = (StageStatus.RUNNING, StageStatus.RESERVED)

Now = Callable[[], float]


class Silence:
    """Of the remote, since it answered last."""

    def __init__(self, print_progress: PrintProgress, now: Now = time.monotonic) -> None:
        self._show, self._now = print_progress, now
        self._since: float | None = None

    def note(self, error: OkstraError) -> None:
        """It did not answer. Raises the error when it has not for ten minutes."""
        now = self._now()
        if self._since is None:
            self._since = now
            self._show(f"{error.message}; trying again for {_LONGEST_SILENCE / 60:.0f} minutes")
        elif now - self._since >= _LONGEST_SILENCE:
            raise error

    def end(self) -> None:
        self._since = None


class WaitNotice:
    """Says what a worker waits for: at once, when that changes, and every few minutes."""

    def __init__(self, print_progress: PrintProgress, now: Now = time.monotonic) -> None:
        self._show, self._now = print_progress, now
        self._changing = threading.Lock()
        self._last, self._next = "", 0.0

    def say(self, text: str) -> None:
        with self._changing:
            if text and (text != self._last or self._now() >= self._next):
                self._last, self._next = text, self._now() + _EVERY
                self._show(text)


def waited_for(states: Iterable[StageState]) -> str:
    """Who is at work, and how a stage is taken back from a machine that is gone."""
    at_work = [state for state in states if state.status in _AT_WORK]
    elsewhere = [okstra_command("stage", "release", "--run", one.run_id, "--force") for one in at_work if one.host]
    gone = f"; once that machine is known to be gone: {'; '.join(elsewhere)}" if elsewhere else ""
    return f"waiting: {'; '.join(map(why_not, at_work))}{gone}" if at_work else ""
