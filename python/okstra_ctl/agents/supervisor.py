"""The process between okstra and one client: enforces the client's limits, and leaves none of its processes alive.

It runs on its own, so that the limits hold when okstra is stopped, and ends the client when okstra is gone.
Started by `supervised_process` as `python -I -S -c …`; standard library only, and quick to start.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from . import supervisor_orders
from .supervisor_orders import Orders, Verdict
from .sweep import children_of, sweep

_CHUNK = 65536
_DRAIN_SECONDS = 1.0
_UNKILLABLE_SECONDS = 10.0  # a process in an uninterruptible wait may never end
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_OKSTRA, _VERDICT = 0, 1


def main() -> None:
    orders = supervisor_orders.read_orders(lambda size: os.read(_OKSTRA, size))
    if orders is None:
        return
    verdict = Supervisor(orders).supervise()
    with suppress(OSError):  # okstra may be gone
        os.write(_VERDICT, supervisor_orders.packed(verdict))


class Supervisor:
    """One client from its start until nothing of it is left."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._reason = ""
        self._complaint = ""
        self._status: int | None = None
        self._client = 0
        self._written = 0
        self._prctl = _prctl()
        self._streams: dict[int, int] = {}  # from the read end of a pipe to the file that its data goes to
        self._poll = select.poll()
        self._soft_at = self._kill_at = 0.0

    def supervise(self) -> Verdict:
        woken = _wake_on_signals()
        self._prctl(_PR_SET_CHILD_SUBREAPER, 1)
        try:
            self._start()
        except OSError as error:
            return Verdict(None, supervisor_orders.NOT_STARTED, error.strerror or str(error))
        left = 1
        try:
            self._poll.register(_OKSTRA, select.POLLIN)
            self._poll.register(woken, select.POLLIN)
            self._watch(woken)
        finally:
            left = self._end_all()
        return Verdict(self._status, self._reason, self._complaint, left)

    def _start(self) -> None:
        """Raises OSError when the client can't be started."""
        for inherited in (self._orders.prompt, self._orders.output, self._orders.errors, self._orders.log):
            os.set_inheritable(inherited, False)
        started = time.monotonic()
        self._soft_at, self._kill_at = started + self._orders.soft_limit, started + self._orders.hard_limit
        out, err, failed = os.pipe(), os.pipe(), os.pipe()
        supervisor = os.getpid()
        self._client = os.fork()
        if not self._client:
            self._become_client(out[1], err[1], failed[1], supervisor)
        for descriptor in (out[1], err[1], failed[1]):
            os.close(descriptor)
        complaint = _read_all(failed[0])
        if complaint:
            os.waitpid(self._client, 0)
            number = int(complaint)
            raise OSError(number, os.strerror(number))
        self._streams = {out[0]: self._orders.output, err[0]: self._orders.errors}
        for descriptor in self._streams:
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)

    def _become_client(self, out: int, err: int, failed: int, supervisor: int) -> None:
        orders = self._orders
        try:
            os.setsid()
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(1)
            for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGXFSZ", "SIGCHLD"):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            if any(orders.restriction):
                _restrict(orders)
            os.chdir(orders.folder)
            os.dup2(orders.prompt, 0)
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.execvpe(orders.argv[0], list(orders.argv), dict(orders.environment))
        except OSError as error:
            os.write(failed, str(error.errno or 0).encode())
        finally:
            os._exit(127)

    def _watch(self, woken: int) -> None:
        """Returns when the client has ended, or can't be killed."""
        while not self._reaped():
            now = time.monotonic()
            if now >= self._kill_at + _UNKILLABLE_SECONDS:
                return
            if now >= self._kill_at:
                self._reason = self._reason or supervisor_orders.HARD_LIMIT
                self._signal_group(signal.SIGKILL)
                wait = now + 0.5
            elif now >= self._soft_at and not self._reason:
                self._ask_to_end(supervisor_orders.SOFT_LIMIT, self._kill_at)
                wait = self._kill_at
            else:
                wait = self._kill_at if self._reason else min(self._soft_at, self._kill_at)
            for descriptor, _ in self._poll.poll(max(0.0, wait - time.monotonic()) * 1000 + 1):
                if descriptor == _OKSTRA:
                    self._listen()
                elif descriptor == woken:
                    if any(number != signal.SIGCHLD for number in os.read(woken, _CHUNK)):
                        self._ask_to_end(supervisor_orders.STOPPED, time.monotonic() + self._orders.grace)
                else:
                    self._keep(descriptor)

    def _listen(self) -> None:
        word = os.read(_OKSTRA, 1)
        reason = {b"": supervisor_orders.ORPHANED, supervisor_orders.LINGERED: supervisor_orders.LINGER}
        if not word:
            self._poll.unregister(_OKSTRA)
        self._ask_to_end(reason.get(word, supervisor_orders.STOPPED), time.monotonic() + self._orders.grace)

    def _ask_to_end(self, reason: str, kill_at: float) -> None:
        """Sends SIGTERM, on which a client may clean up, and SIGCONT, since a stopped process receives no signal."""
        self._reason = self._reason or reason
        self._kill_at = min(self._kill_at, kill_at)
        self._signal_group(signal.SIGTERM)
        self._signal_group(signal.SIGCONT)

    def _signal_group(self, number: int) -> None:
        if self._status is None:
            inner = children_of(self._client) if self._orders.nested and number != signal.SIGKILL else ()
            for group in inner or (self._client,):
                with suppress(OSError):
                    os.killpg(group, number)

    def _reaped(self) -> bool:
        """Whether the client has ended. Reaps orphans that this process adopted from it, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            if pid == self._client:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status is not None

    def _end_all(self) -> int:
        """Kills what is left of the client and drains its output. Returns how many processes could not be killed."""
        with suppress(OSError):
            os.killpg(self._client, signal.SIGKILL)
        left = sweep(self._orders.token, ancestor=os.getpid(), reap=self._reaped)
        give_up = time.monotonic() + _DRAIN_SECONDS
        while self._streams and time.monotonic() < give_up:
            for descriptor in tuple(self._streams):
                self._keep(descriptor)
            if self._streams:
                time.sleep(0.005)
        return left

    def _keep(self, stream: int) -> None:
        """Copies what the client wrote to the stream's own file, and to the log that both streams share."""
        try:
            data = os.read(stream, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._poll.unregister(stream)
            os.close(stream)
            del self._streams[stream]
            return
        self._written += len(data)
        if self._written > self._orders.most_output:
            self._give_up(supervisor_orders.FLOOD, "")
        elif self._reason != supervisor_orders.LOG_FAILED:
            try:
                for file in (self._streams[stream], self._orders.log):
                    with open(file, "wb", closefd=False) as whole:
                        whole.write(data)
            except OSError as error:
                self._give_up(supervisor_orders.LOG_FAILED, error.strerror or str(error))

    def _give_up(self, reason: str, complaint: str) -> None:
        if not self._reason:
            self._complaint = complaint
            self._ask_to_end(reason, time.monotonic() + self._orders.grace)


def _wake_on_signals() -> int:
    """A descriptor that receives a byte for each signal: a child has ended, or somebody asks the supervisor to end."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return woken


def _restrict(orders: Orders) -> None:
    """For this process and all that it starts. Raises OSError: the client is not started unrestricted."""
    from ..sandbox import landlock

    landlock.restrict(landlock.Restriction(*orders.restriction))


def _prctl() -> Callable[[int, int], object]:
    """Linux's `prctl`; a no-op on other systems."""
    if sys.platform != "linux":
        return lambda *_: None
    import ctypes

    prctl: Callable[[int, int], object] = ctypes.CDLL(None).prctl
    return prctl


def _read_all(descriptor: int) -> bytes:
    data = b""
    while more := os.read(descriptor, _CHUNK):
        data += more
    os.close(descriptor)
    return data
