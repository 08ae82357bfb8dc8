"""The messages between okstra and a supervisor. Imported by the supervisor: standard library only.

okstra writes the orders to the supervisor's standard input as one marshalled value, preceded by its length (both sides
run the same interpreter, and no format is quicker to read), and later at most one letter. End of input means that
okstra is gone. The supervisor writes one marshalled verdict to its standard output.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ASKED_TO_STOP = b"s"
LINGERED = b"l"
_LENGTH_BYTES = 4
SOFT_LIMIT, HARD_LIMIT, ORPHANED, STOPPED, LINGER, FLOOD, LOG_FAILED, NOT_STARTED = (
    "soft-limit",
    "hard-limit",
    "orphaned",
    "stopped",
    "lingered",
    "flood",
    "log-failed",
    "not-started",
)


class Orders(NamedTuple):
    """The client to start, and its limits. Descriptors are numbers that the supervisor inherits."""

    argv: tuple[bytes, ...]
    environment: Mapping[bytes, bytes]
    folder: bytes
    token: str
    prompt: int
    output: int
    errors: int
    log: int
    soft_limit: float
    hard_limit: float
    grace: float
    """Seconds from SIGTERM to SIGKILL when the client is to end at once."""
    most_output: int
    restriction: tuple[Any, ...] = ()
    """What the client may not do, as `sandbox.landlock.Restriction`; empty: nothing is forbidden."""
    nested: bool = False
    """Whether the client runs below a process of its sandbox: signals that ask it to end go past that one."""


class Verdict(NamedTuple):
    """How the client ended. `reason` is empty when it ended by itself."""

    status: int | None
    reason: str
    complaint: str = ""
    left: int = 0
    """Processes that could not be killed."""


def packed(value: Orders | Verdict) -> bytes:
    plain: tuple[Any, ...] = tuple(value)
    data = marshal.dumps(plain)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def read_orders(read: Callable[[int], bytes]) -> Orders | None:
    """Returns None when okstra ended before the orders were complete."""
    value = _read(read)
    return None if value is None else Orders(*value)


def verdict_in(data: bytes) -> Verdict | None:
    """Returns None when the supervisor ended before its verdict was complete."""
    position = 0

    def take(size: int) -> bytes:
        nonlocal position
        position += size
        return data[position - size : position]

    value = _read(take)
    return None if value is None else Verdict(*value)


def _read(read: Callable[[int], bytes]) -> tuple[Any, ...] | None:
    head = _exactly(read, _LENGTH_BYTES)
    body = None if head is None else _exactly(read, int.from_bytes(head, "big"))
    return None if body is None else marshal.loads(body)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        more = read(size - len(data))
        if not more:
            return None
        data += more
    return data
