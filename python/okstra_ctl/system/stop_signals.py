"""Signals that end a view that goes on by itself, and those that wake it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not come between the writes that put the terminal in order."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *STOPPING))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def stoppable() -> Iterator[None]:
    """A signal to end is as good as Ctrl-C."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def woken_by_signals() -> Iterator[int]:
    """A descriptor that can be read after each signal; a new size of the window is one."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    size_before = signal.signal(signal.SIGWINCH, lambda number, frame: None)
    wakeup_before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield read
    finally:
        signal.set_wakeup_fd(wakeup_before)
        signal.signal(signal.SIGWINCH, size_before)
        os.close(read)
        os.close(write)
