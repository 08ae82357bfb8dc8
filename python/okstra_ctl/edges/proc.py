"""The one door to short-lived processes: argv lists, bytes, no shell unless the user wrote the command."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from ..words.errors import Missing, Unreadable
from .pipes import Pipes
from .spawn import spawn

_LOOK_SECONDS = 0.1
_POLL_SECONDS = 0.001
_UNKNOWN = 255  # never 0: what is not known to be well has failed


class Finished(NamedTuple):
    """How a process ended: its status (negative: the signal) and what it wrote, as bytes."""

    argv: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: bytes

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def complaint(self) -> str:
        """The last lines of stderr (or stdout), for people."""
        text = (self.stderr.strip() or self.stdout.strip()).decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-6:])


class Running:
    """A process under way; `finish` waits for it."""

    def __init__(self, argv: Sequence[str], pid: int, pipes: Pipes) -> None:
        self._argv = tuple(argv)
        self._pid = pid
        self._pipes = pipes
        self._status: int | None = None

    def finish(self, *, timeout: float | None = None) -> Finished:
        """Waits for the end; a process that takes longer than the timeout is killed (status -9)."""
        if not self._has_ended(timeout):
            self.kill()
        return self._finished()

    def finish_or(self, stop: threading.Event) -> Finished:
        """As `finish`; once `stop` is set the process is asked to end (SIGTERM), and waited for."""
        asked = False
        while not self._has_ended(_LOOK_SECONDS):
            if stop.is_set() and not asked:
                self._send("SIGTERM")
                asked = True
        return self._finished()

    def kill(self) -> None:
        if self._status is None:
            self._send("SIGKILL")
            self._has_ended(None)

    def _send(self, name: str) -> None:
        """To a process that was not waited for yet: the number is still its own."""
        with suppress(ProcessLookupError):  # where nobody can wait for it (`_await_end`), it is gone when it has ended
            os.kill(self._pid, signal.Signals[name])

    def _has_ended(self, timeout: float | None) -> bool:
        """Takes in what it writes until it has ended; False when that takes longer than so many seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._status is None and self._pipes.drain(deadline):
            self._status = _await_end(self._pid, deadline)
        return self._status is not None

    def _finished(self) -> Finished:
        return Finished(self._argv, self._status or 0, self._pipes.stdout, self._pipes.stderr)


def _await_end(pid: int, deadline: float | None) -> int | None:
    """Its status, as `Finished` has it; None when it goes on beyond the deadline."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG if deadline else 0)
        while not ended and deadline and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # somebody in this process has ends ignored, or took it: nobody can know how it ended
        return _UNKNOWN
    return os.waitstatus_to_exitcode(status) if ended else None


def start(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
    stdin: bytes | None = None,
) -> Running:
    """Starts a process. `keep_open` are descriptors that it inherits. Raises Missing when there is no such program.

    With `cwd` a shell goes there first, and a program that is not there is told by its status (127).
    """
    if cwd is not None and not os.path.isdir(cwd):
        raise _folder_gone(cwd)
    words = list(argv) if cwd is None else ["sh", "-c", 'cd -- "$0" && exec "$@"', os.path.abspath(cwd), *argv]
    pipes = Pipes(stdin)
    try:
        pid = spawn(
            words,
            env=os.environ if env is None else env,
            stdin=pipes.child.get("stdin"),
            stdout=pipes.child["stdout"],
            stderr=pipes.child["stderr"],
            keep_open=keep_open,
        )
    except BaseException as error:
        pipes.close()
        if isinstance(error, FileNotFoundError):
            raise Missing("dependency-missing", f"{argv[0]} is not on the PATH", hint=f"install {argv[0]}") from error
        if isinstance(error, ValueError):
            raise _unspeakable(argv[0], error) from error
        raise
    pipes.hand_over()
    return Running(argv, pid, pipes)


def run(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
    timeout: float | None = None,
) -> Finished:
    """Runs a process to its end. Raises Missing when there is no such program."""
    return start(argv, cwd=cwd, env=env, keep_open=keep_open).finish(timeout=timeout)


def _unspeakable(program: str, error: ValueError) -> Unreadable:
    """A NUL, or letters that no argument can have: only damaged files bring them here."""
    return Unreadable("state-unreadable", f"a file of okstra's holds a value that {program} can't be given: {error}")


def require(program: str, env: Mapping[str, str]) -> None:
    """Raises Missing (`dependency-missing`) when there is no such program on that PATH."""
    if not any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.get_exec_path(env)):
        raise _missing(program)


def _missing(program: str) -> Missing:
    return Missing("dependency-missing", f"{program} is not on the PATH", hint=f"install {program}")


def _folder_gone(folder: str) -> Missing:
    return Missing("dependency-missing", f"the folder {folder} is gone", where=folder)


def become(argv: Sequence[str], env: Mapping[str, str], folder: str) -> NoReturn:
    """Replaces this process: the process id stays. Raises Missing when there is no such program."""
    try:
        os.chdir(folder)
        os.execvpe(argv[0], list(argv), dict(env))
    except FileNotFoundError as error:
        raise Missing("dependency-missing", f"{argv[0]} is not on the PATH", hint=f"install {argv[0]}") from error


def start_detached(argv: Sequence[str]) -> None:
    """Starts a process that goes on after okstra has ended. Nobody waits for it."""
    spawn(argv, env=os.environ, new_session=True)
