"""Ctrl-C and the other signals that stop a command: who hears them, and what still ends in good order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Blocks the stopping signals: a second Ctrl-C must not interrupt the restoring of the terminal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *STOPPING))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def stoppable() -> Iterator[None]:
    """Treats a signal to terminate as Ctrl-C."""

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
    """Yields a descriptor that becomes readable after each signal, a changed window size included."""
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


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C, or closing the terminal, stops every worker and leaves a resumable run."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def handle(number: int, frame: FrameType | None) -> None:
        for one in signals:  # the first is enough, and one inside `set` would wait for itself
            signal.signal(one, signal.SIG_IGN)
        stop.set()

    before = {number: signal.signal(number, handle) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
