"""The pipes of a process under way: what it is given to read, and what it writes, taken in as it comes."""

from __future__ import annotations

import os
import select
import time

from .spawn import FIRST_FREE

_AT_ONCE = 65536  # bytes: as much as a pipe holds


class Pipes:
    """Standard input (the null device where there is nothing to read), output and error of one process."""

    def __init__(self, stdin: bytes | None) -> None:
        self._feed: int | None = None
        self._rest = memoryview(stdin or b"")
        self._poll = select.poll()
        self.child: dict[str, int] = {}
        """The child's ends, by the names of its streams."""
        self._taken: dict[int, list[bytes]] = {}
        self._ours: set[int] = set()
        for name in ("stdout", "stderr"):
            read, self.child[name] = _pipe()
            self._watch(read, select.POLLIN)
            self._taken[read] = []
        if stdin is not None:
            self.child["stdin"], self._feed = _pipe()
            os.set_blocking(self._feed, False)
            self._watch(self._feed, select.POLLOUT)

    def hand_over(self) -> None:
        """The child has its ends, and at once what fits into a pipe of what it is to read."""
        self._close_childs()
        if self._feed is not None:
            self._give(self._feed)

    def close(self) -> None:
        """There will be no child."""
        self._close_childs()
        for descriptor in list(self._ours):
            self._end(descriptor)

    def _close_childs(self) -> None:
        """Then the end of the child is seen."""
        for descriptor in self.child.values():
            os.close(descriptor)
        self.child.clear()

    def drain(self, deadline: float | None) -> bool:
        """Moves what there is until the other ends are closed; False when they are open beyond the deadline, a time
        of the monotonic clock."""
        while self._ours:
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1e3
            ready = self._poll.poll(left)
            if not ready:
                return False
            for descriptor, _ in ready:
                (self._give if descriptor == self._feed else self._take)(descriptor)
        return True

    @property
    def stdout(self) -> bytes:
        return self._written(0)

    @property
    def stderr(self) -> bytes:
        return self._written(1)

    def _written(self, number: int) -> bytes:
        return b"".join(list(self._taken.values())[number])

    def _take(self, descriptor: int) -> None:
        data = os.read(descriptor, _AT_ONCE)
        if data:
            self._taken[descriptor].append(data)
        else:
            self._end(descriptor)

    def _give(self, descriptor: int) -> None:
        try:
            self._rest = self._rest[os.write(descriptor, self._rest[:_AT_ONCE]) :] if self._rest else self._rest
        except BlockingIOError:
            return
        except BrokenPipeError:  # it has read enough
            self._rest = self._rest[:0]
        if not self._rest:
            self._end(descriptor)

    def _watch(self, descriptor: int, event: int) -> None:
        self._ours.add(descriptor)
        self._poll.register(descriptor, event)

    def _end(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        self._ours.discard(descriptor)
        os.close(descriptor)


def _pipe() -> tuple[int, int]:
    """The end to read and the end to write. Neither is a standard stream's, should one of those be closed."""
    read, write = os.pipe()
    return _above_streams(read), _above_streams(write)


def _above_streams(descriptor: int) -> int:
    low = []
    while descriptor < FIRST_FREE:
        low.append(descriptor)
        descriptor = os.dup(descriptor)
    for one in low:
        os.close(one)
    return descriptor
