"""Whether anything of a client is at work: processor time and network traffic of all its processes.

A client that waits has timers, which cost a little of both; so what counts is how much since the last look.
macOS tells the processor time alone.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..system import processes
from .sweep import find

ReportStall = Callable[[bool], None]
_LOOK_SECONDS = 30.0
_LEAST_SHARE = 0.01  # of one processor
_LEAST_BYTES = 512
_LEAST_INTERVAL = 0.5
_TIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_DIAG, _BY_FAMILY, _REQUEST, _DONE, _ERROR = 4, 20, 0x301, 3, 2
_HEAD, _MESSAGE = struct.Struct("=IHHII"), struct.Struct("=BBBB48sIIIII")
_INFO, _TRAFFIC_AT = 2, 120  # in `struct tcp_info`: bytes_acked and bytes_received
_TCP, _ALL_STATES = 6, 0xFFFFFFFF


class Seen(NamedTuple):
    """What the processes have used so far: by process, seconds of a processor; by socket, bytes."""

    seconds: Mapping[int, float]
    traffic: Mapping[int, int]


def look(token: str, ancestor: int) -> Seen:
    """At the processes of a dispatch, below its supervisor."""
    pids = find(token, ancestor=ancestor)
    if not os.path.exists("/proc/self/stat"):
        return Seen(_seconds_by_ps(pids), {})
    seconds = {pid: spent for pid in pids if (spent := _seconds(pid)) is not None}
    return Seen(seconds, _traffic(_sockets(pids)))


def is_active(before: Seen, now: Seen, interval: float) -> bool:
    """Whether anything was done in these seconds between two looks."""
    if now.seconds.keys() - before.seconds.keys():
        return True
    used = sum(max(0.0, spent - before.seconds[pid]) for pid, spent in now.seconds.items())
    sent = sum(max(0, count - before.traffic.get(name, 0)) for name, count in now.traffic.items())
    return used >= _LEAST_SHARE * max(interval, _LEAST_INTERVAL) or sent >= _LEAST_BYTES


class Watch:
    """Looks now and then whether anything of the client is at work; reports when nothing was for `after` seconds, and
    when something is again."""

    def __init__(self, token: str, supervisor: int, after: float, report: ReportStall) -> None:
        self._token, self._supervisor, self._after, self._report = token, supervisor, after, report
        self._every = min(_LOOK_SECONDS, after / 4)
        self._active_at = self._looked_at = time.monotonic()
        self._seen, self._written, self._stalled = Seen({}, {}), 0, False

    def look(self, written: int) -> None:
        """`written` are the bytes that the client has printed."""
        now = time.monotonic()
        if not self._after or now - self._looked_at < self._every:
            return
        seen = look(self._token, self._supervisor)
        active = written != self._written or is_active(self._seen, seen, now - self._looked_at)
        self._seen, self._written, self._looked_at = seen, written, now
        if active:
            self._active_at = now
        stalled = now - self._active_at >= self._after
        if stalled is not self._stalled:
            self._stalled = stalled
            self._report(stalled)


def seconds_in(text: str) -> float | None:
    """The seconds of a `time` as `ps` prints it: `MM:SS.cc`, `HH:MM:SS` or `D-HH:MM:SS`."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _seconds(pid: int) -> float | None:
    """With those of children that it has waited for; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def _seconds_by_ps(pids: Sequence[int]) -> dict[int, float]:
    if not pids:
        return {}
    listing = processes.run(["ps", "-o", "pid=,time=", "-p", ",".join(map(str, pids))])
    rows = (line.split() for line in listing.stdout.decode("utf-8", "replace").splitlines())
    spent = {int(row[0]): seconds_in(row[1]) for row in rows if len(row) == 2 and row[0].isdigit()}
    return {pid: seconds for pid, seconds in spent.items() if seconds is not None}


def _sockets(pids: Sequence[int]) -> set[int]:
    found = set()
    for pid in pids:
        with suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{name}")
                    if target.startswith("socket:["):
                        found.add(int(target[8:-1]))
    return found


def _traffic(inodes: set[int]) -> dict[int, int]:
    """By TCP socket, the bytes that were sent and received, as the kernel's socket diagnostics tell them; none where
    they don't."""
    if not inodes:
        return {}
    try:
        return {
            inode: count
            for family in (socket.AF_INET, socket.AF_INET6)
            for inode, count in _tcp_sockets(family)
            if inode in inodes
        }
    except (OSError, struct.error, AttributeError):
        return {}


def _tcp_sockets(family: int) -> Iterator[tuple[int, int]]:
    body = struct.pack("=BBBBI48s", family, _TCP, 1 << (_INFO - 1), 0, _ALL_STATES, b"")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _DIAG) as diagnostics:
        diagnostics.settimeout(2.0)
        diagnostics.send(_HEAD.pack(_HEAD.size + len(body), _BY_FAMILY, _REQUEST, 1, 0) + body)
        while True:
            data = diagnostics.recv(1 << 20)
            while len(data) >= _HEAD.size:
                length, kind, *_ = _HEAD.unpack_from(data)
                if kind in (_DONE, _ERROR) or length < _HEAD.size:
                    return
                yield from _traffic_in(data[_HEAD.size : length])
                data = data[(length + 3) & ~3 :]


def _traffic_in(message: bytes) -> Iterator[tuple[int, int]]:
    inode = _MESSAGE.unpack_from(message)[-1]
    at = _MESSAGE.size
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        if kind == _INFO and length >= 4 + _TRAFFIC_AT + 16:
            sent, received = struct.unpack_from("=QQ", message, at + 4 + _TRAFFIC_AT)
            yield inode, sent + received
        if length < 4:
            return
        at += (length + 3) & ~3
