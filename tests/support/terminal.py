"""A command at a pseudo-terminal: keys go in, what is shown is waited for."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping
from pathlib import Path

UP, DOWN, LEFT, ENTER, ESCAPE, TAB, SPACE, CTRL_C, CTRL_D = (
    "\x1b[A",
    "\x1b[B",
    "\x1b[D",
    "\r",
    "\x1b",
    "\t",
    " ",
    "\x03",
    "\x04",
)
_CONTROL = re.compile(rb"\x1b\[[0-9;?>=]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>()][B0]?|\r")
_WHERE = b"\x1b[6n"  # the question for the cursor's place, which a terminal answers


class Terminal:
    """`all_shown` is everything that was ever written, without escape sequences."""

    def __init__(
        self, argv: list[str], folder: Path, environment: Mapping[str, str], *, rows: int = 24, columns: int = 80
    ) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(argv[0], argv, dict(environment))
        self.resize(rows, columns)
        self._written = b""
        self._seen = 0
        self._status: int | None = None

    @property
    def all_shown(self) -> str:
        return _CONTROL.sub(b"", self._written).decode("utf-8", "replace")

    @property
    def all_written(self) -> str:
        """The same with them."""
        return self._written.decode("utf-8", "replace")

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """Waits until the text is shown, after what was waited for before; answers what came with it."""
        end = time.monotonic() + seconds
        while text not in self.all_shown[self._seen :]:
            if time.monotonic() > end or not self._read(end - time.monotonic()):
                raise AssertionError(f"{text!r} was not shown; but:\n{self.all_shown[self._seen :]}")
        begin, self._seen = self._seen, self.all_shown.index(text, self._seen) + len(text)
        return self.all_shown[begin:]

    def then(self, text: str, keys: str) -> None:
        """Waits for the text, and until nothing more comes; then types."""
        self.wait_for(text)
        while self._read(0.15):
            pass
        self._seen = len(self.all_shown)
        self.type(keys)

    def end(self, seconds: float = 60) -> int:
        """Waits for the end; answers the exit status."""
        end = time.monotonic() + seconds
        while self._read(max(0, end - time.monotonic())):
            pass
        if time.monotonic() >= end:
            os.kill(self.pid, signal.SIGKILL)
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._terminal)
        return self._status

    def hang_up(self) -> None:
        """Closes the window."""
        os.close(self._terminal)
        self._terminal = os.open(os.devnull, os.O_RDONLY)

    def is_cooked(self) -> bool:
        """Whether the terminal is as a shell wants it: lines, and echo."""
        flags = termios.tcgetattr(self._terminal)[3]
        return bool(flags & termios.ICANON and flags & termios.ECHO)

    def _read(self, seconds: float) -> bool:
        """False when nothing came in time, or nothing will."""
        if not select.select([self._terminal], [], [], max(0, seconds))[0]:
            return False
        try:
            chunk = os.read(self._terminal, 65536)
        except OSError:
            return False
        self._written += chunk
        for _ in range(chunk.count(_WHERE)):
            os.write(self._terminal, b"\x1b[1;1R")
        return bool(chunk)
