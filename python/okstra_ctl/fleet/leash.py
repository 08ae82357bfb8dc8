"""The leash of a placed run: it ends, and all that it started, when the engine's process on its node is gone.

That process keeps the write end of a pipe and writes nothing; this one has the read end. However the other ends, the
kernel closes its end. Runs are stopped in good order first, so that they can be resumed.
"""

from __future__ import annotations

import os
import select
import sys
import threading

from ..agents.sweep import sweep

_GRACE_SECONDS = 2.5
_SWEEP_SECONDS = 1.5
_PR_SET_CHILD_SUBREAPER = 36
_STOPPED = 130
_NO_TOKEN = "a placed run has none"


def hold(descriptor: int, stop: threading.Event) -> None:
    """Watches the read end of the pipe from now on; sets `stop` at its end, and ends this process soon after."""
    os.set_inheritable(descriptor, False)
    _adopt_orphans()
    threading.Thread(target=_watch, args=(descriptor, stop), daemon=True).start()


def _watch(descriptor: int, stop: threading.Event) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()
    stop.set()
    threading.Event().wait(_GRACE_SECONDS)  # the process ends meanwhile, if all goes well
    sweep(_NO_TOKEN, ancestor=os.getpid(), limit=_SWEEP_SECONDS)
    os._exit(_STOPPED)


def _adopt_orphans() -> None:
    """Makes what a killed okstra leaves a descendant of this process, where the kernel supports it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
