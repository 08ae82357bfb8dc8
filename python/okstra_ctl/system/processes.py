"""The one place that starts short-lived processes: argv lists, bytes, no shell unless the user wrote the command."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, NamedTuple, NoReturn

from ..errors import Missing, Unreadable

_LOOK_SECONDS = 0.1
_UNKNOWN = 255  # never 0: an unknown status counts as a failure


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
    """A process under way; `finish` waits for it. `leads`: it leads a process group, which is killed with it."""

    def __init__(
        self, argv: Sequence[str], process: subprocess.Popen[bytes], stdin: bytes | None, *, leads: bool = False
    ) -> None:
        self._argv = tuple(argv)
        self._process = process
        self._stdin = stdin
        self._leads = leads

    def finish(self, *, timeout: float | None = None) -> Finished:
        """Waits for the end; a process that takes longer than the timeout is killed (status -9)."""
        try:
            written = self._process.communicate(self._stdin, timeout)
        except subprocess.TimeoutExpired:
            self._end()
            written = self._process.communicate()
        except BaseException:
            if self._leads:  # Ctrl-C at the terminal does not reach it
                self.kill()
            raise
        return self._finished(*written)

    def finish_or(self, stop: threading.Event) -> Finished:
        """As `finish`; once `stop` is set the process is asked to end (SIGTERM), and waited for."""
        asked = False
        while True:
            try:
                return self._finished(*self._process.communicate(self._stdin, _LOOK_SECONDS))
            except subprocess.TimeoutExpired:
                if stop.is_set() and not asked:
                    self._process.terminate()
                    asked = True

    def finish_heard(self, stop: threading.Event, hear: Callable[[str], None]) -> Finished:
        """As `finish_or`, without standard input; `hear` gets each line of stderr as it comes."""
        process, written, complaints = self._process, bytearray(), bytearray()
        assert process.stdout is not None and process.stderr is not None

        def read(stream: IO[bytes], kept: bytearray, hear: Callable[[str], None] | None) -> None:
            for line in stream:
                kept += line
                if hear is not None:
                    hear(line.decode("utf-8", "replace").rstrip("\n"))

        readers = [
            threading.Thread(target=read, args=(process.stdout, written, None)),
            threading.Thread(target=read, args=(process.stderr, complaints, hear)),
        ]
        for reader in readers:
            reader.start()
        asked = False
        while any(reader.is_alive() for reader in readers) or process.poll() is None:
            if stop.is_set() and not asked:
                process.terminate()
                asked = True
            readers[0].join(_LOOK_SECONDS)
        process.wait()
        return self._finished(bytes(written), bytes(complaints))

    def kill(self) -> None:
        if self._process.returncode is None:
            self._end()
            self._process.communicate()

    def _end(self) -> None:
        if self._leads:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def _finished(self, stdout: bytes, stderr: bytes) -> Finished:
        status = self._process.returncode
        if not status and signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
            status = _UNKNOWN  # the status was lost, and `subprocess` reports that as success
        return Finished(self._argv, status, stdout or b"", stderr or b"")


def start(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
    stdin: bytes | None = None,
    own_group: bool = False,
) -> Running:
    """Starts a process. `keep_open` are descriptors that it inherits, under their numbers. `own_group`: what it starts
    is killed with it, and nothing of it has this terminal.

    Raises Missing (`dependency-missing`) when there is no such program or folder.
    """
    if cwd is not None and not os.path.isdir(cwd):
        raise _folder_gone(cwd)
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(keep_open),
            start_new_session=own_group,
        )
    except FileNotFoundError as error:
        raise _missing(argv[0]) from error
    except ValueError as error:
        raise _bad_argument(argv[0], error) from error
    return Running(argv, process, stdin, leads=own_group)


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


def piped(
    first: Sequence[str],
    second: Sequence[str],
    *,
    first_env: Mapping[str, str],
    second_env: Mapping[str, str],
    stdin: bytes,
) -> Finished:
    """Runs two programs, the first one's output as the second one's input. How the first one ended counts if it failed.
    Raises Missing."""
    import tempfile  # slow to import

    with tempfile.TemporaryFile() as complaints:
        begun = _popen(first, first_env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        assert begun.stdin is not None
        try:
            then = _popen(second, second_env, stdin=begun.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        finally:
            if begun.stdout is not None:
                begun.stdout.close()
        with suppress(BrokenPipeError):
            begun.stdin.write(stdin)
            begun.stdin.close()
        ended = Running(second, then, None).finish()
        status = begun.wait()
        complaints.seek(0)
        return ended if not status else Finished(tuple(first), status, b"", complaints.read())


def _popen(argv: Sequence[str], env: Mapping[str, str], **streams: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(list(argv), env=env, **streams)
    except FileNotFoundError as error:
        raise _missing(argv[0]) from error


def _bad_argument(program: str, error: ValueError) -> Unreadable:
    """A NUL, or characters that no argument can have: they come from damaged files."""
    return Unreadable("state-unreadable", f"a state file has a value that can't be passed to {program}: {error}")


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
        raise _missing(argv[0]) from error


def paged(text: str, pager: str, env: Mapping[str, str]) -> bool:
    """Shows the text in a pager, named as a shell takes it, and waits for its end. False when there is none."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's
    try:
        process = subprocess.Popen(["sh", "-c", pager], stdin=subprocess.PIPE, env=dict(env))
        process.communicate(text.encode("utf-8", "backslashreplace"))
    finally:
        signal.signal(signal.SIGINT, before)
    return process.returncode not in (126, 127)


def start_detached(argv: Sequence[str]) -> None:
    """Starts a process that goes on after okstra has ended. Nobody waits for it."""
    subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
