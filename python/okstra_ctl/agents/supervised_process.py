"""Starting a client under its supervisor, reading its output, asking it to end, and how it ended.

`SupervisedClient` is one start of a client; `run_supervised` runs a whole command, like a check, to its end.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

from ..errors import Interrupted
from ..git import worktree_admin
from ..sandbox.choice import Containment
from ..sandbox.client_state import ClientState, remove
from ..sandbox.contained import Started, started
from ..status import Access
from ..system import files
from . import supervisor_orders
from .environment import environment_of, title_of
from .job import Job, Launch
from .supervisor_orders import Orders, Verdict
from .sweep import TOKEN_VARIABLE, sweep

SUPERVISOR_LOST = "supervisor-lost"
_GRACE = 1.0
_SUPERVISOR_SECONDS = 15.0  # longer than a supervisor needs for the most stubborn client
_MOST_OUTPUT = 256 * 1024 * 1024
_MAX_READ_BYTES = 32 * 1024 * 1024
_HEAD = 1024 * 1024
_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_START = "import sys; sys.path.insert(0, sys.argv[1]); from okstra_ctl.agents.supervisor import main; main()"
TIMED_OUT = 124  # the status that `timeout` exits with
NOT_STARTED = 127
_TICK = 0.1


class ClientEnd(NamedTuple):
    """How a client ended, and what it wrote."""

    verdict: Verdict
    stdout: bytes
    stderr: bytes


class SupervisedClient:
    """One start of a client. Leaving the `with` block in any way ends the client and all its processes."""

    def __init__(
        self,
        job: Job,
        launch: Launch,
        *,
        soft_limit: float,
        hard_limit: float,
        keep_open: Sequence[int] = (),
        state: ClientState = ClientState(),  # noqa: B008 (a value)
    ) -> None:
        """`keep_open` are descriptors that stay open as long as anything of the client is alive; `state` is the
        client's private state, if it is contained.

        Raises WorkFailed (`write-failed`) when the log can't be written.
        """
        self._token = job.token
        marked = {**launch.environment, **_marks(job)}
        begun = Started(launch.argv, marked)
        if job.containment is not None:
            begun = started(job.containment, launch.argv, marked, token=job.token, state=state)
        self._log = files.open_log(job.log)
        self._output = _scratch(f"{job.log}.out")
        self._errors = _scratch(f"{job.log}.err")
        self._prompt = _scratch(f"{job.log}.in")
        self._verdict_bytes = b""
        self._verdict: Verdict | None = None
        with open(self._prompt, "wb", closefd=False) as file:
            file.write(launch.stdin)
        os.lseek(self._prompt, 0, os.SEEK_SET)
        self._own_folder = "" if state.client else begun.own_folder  # with a state, whoever made it removes it
        self._folder, self._git_dir = job.folder, job.containment.places.git_dir if job.containment else ""
        orders = Orders(
            argv=tuple(os.fsencode(word) for word in begun.argv),
            environment=_encoded(begun.environment),
            folder=os.fsencode(job.folder),
            token=job.token,
            prompt=self._prompt,
            output=self._output,
            errors=self._errors,
            log=self._log.fileno(),
            soft_limit=soft_limit,
            hard_limit=hard_limit,
            grace=_GRACE,
            most_output=_MOST_OUTPUT,
            restriction=tuple(begun.restriction),
            nested=begun.nested,
        )
        self._supervisor = self._start_supervisor(job, keep_open)
        self._poll = select.poll()
        self._poll.register(self._supervisor.stdout, select.POLLIN)
        self._send(supervisor_orders.packed(orders))

    def _start_supervisor(self, job: Job, keep_open: Sequence[int]) -> Any:  # plumbum's popen has no types
        from plumbum import local  # slow to import, and only runs need it

        title = (f"okstra-supervisor of {job.worker}", *_title(job))
        arguments = ("-I", "-S", "-X", "utf8", "-c", _START, _PACKAGE_PARENT, *title)
        return local[sys.executable].popen(
            arguments,
            cwd="/",
            stderr=self._log,
            new_session=True,
            pass_fds=(self._prompt, self._output, self._errors, self._log.fileno(), *keep_open),
        )

    def __enter__(self) -> SupervisedClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._supervisor.stdin.close()
        give_up = time.monotonic() + _SUPERVISOR_SECONDS
        while self._verdict is None and time.monotonic() < give_up:
            self.wait(give_up - time.monotonic())
        if self._verdict is None:  # the supervisor is stopped
            self._supervisor.kill()
            self._record_verdict()
        self._supervisor.stdout.close()
        for descriptor in (self._prompt, self._output, self._errors):
            os.close(descriptor)
        self._log.close()
        if self._own_folder:
            remove(self._own_folder)
        if self._git_dir:
            worktree_admin.point_at(self._folder, self._git_dir)

    def wait(self, seconds: float) -> bool:
        """Waits at most that long. Returns whether the client has ended, with all its processes."""
        if self._verdict is None and self._poll.poll(seconds * 1000):
            data = os.read(self._supervisor.stdout.fileno(), 65536)
            self._verdict_bytes += data
            if not data:
                self._record_verdict()
        return self._verdict is not None

    def stop(self) -> None:
        """Asks for the client's end: SIGTERM, a short grace, SIGKILL. `wait` returns True once it is done."""
        self._send(supervisor_orders.ASKED_TO_STOP)

    def dismiss(self) -> None:
        """As `stop`, for a client that has finished its work and does not exit."""
        self._send(supervisor_orders.LINGERED)

    @property
    def supervisor(self) -> int:
        """The process above all of the client's."""
        return int(self._supervisor.pid)

    @property
    def written(self) -> int:
        """How many bytes the client has written to its standard output."""
        return os.fstat(self._output).st_size

    def recent_output(self) -> bytes:
        """The last whole lines of the standard output so far."""
        return _lines_from(self._output, max(0, self.written - _HEAD))

    def ended(self) -> ClientEnd:
        """How the client ended. Call it once `wait` has returned True."""
        assert self._verdict is not None
        return ClientEnd(self._verdict, _output_of(self._output), _output_of(self._errors))

    def _record_verdict(self) -> None:
        """The supervisor has ended, with its verdict or killed; if killed, nobody but okstra cleans up its client."""
        self._supervisor.wait()
        verdict = supervisor_orders.verdict_in(self._verdict_bytes)
        self._verdict = verdict or Verdict(None, SUPERVISOR_LOST, left=sweep(self._token))

    def _send(self, data: bytes) -> None:
        with suppress(OSError):  # the supervisor may have ended
            self._supervisor.stdin.write(data)
            self._supervisor.stdin.flush()


def _marks(job: Job) -> dict[str, str]:
    return {TOKEN_VARIABLE: job.token, **environment_of(job.home, job.run_id)}


def _title(job: Job) -> tuple[str, ...]:
    return (title_of(job.home),) if job.home else ()


def _encoded(environment: Mapping[str, str]) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}


def _scratch(path: str) -> int:
    """The descriptor of an unlinked file, which vanishes with its last descriptor."""
    try:
        descriptor = files.private(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
    except OSError as error:
        files.raise_write_failed(path, error)
    files.discard(path)
    return descriptor


def _output_of(descriptor: int) -> bytes:
    """What a client wrote; only the beginning and the end, in whole lines, when it is too much to read."""
    size = os.fstat(descriptor).st_size
    if size <= _MAX_READ_BYTES:
        return _bytes_from(descriptor, 0, size)
    head = _bytes_from(descriptor, 0, _HEAD)
    return head[: head.rfind(b"\n") + 1] + _lines_from(descriptor, size - _MAX_READ_BYTES + _HEAD)


def _lines_from(descriptor: int, offset: int) -> bytes:
    data = _bytes_from(descriptor, offset, os.fstat(descriptor).st_size)
    return data if not offset else data[data.find(b"\n") + 1 :]


def _bytes_from(descriptor: int, offset: int, end: int) -> bytes:
    parts = []
    while offset < end and (data := os.pread(descriptor, end - offset, offset)):
        parts.append(data)
        offset += len(data)
    return b"".join(parts)


class SupervisedResult(NamedTuple):
    """How a command ended: exit status, standard output, and why it could not be started."""

    status: int
    stdout: bytes
    complaint: str = ""
    timed_out: bool = False


def run_supervised(
    argv: Sequence[str],
    *,
    name: str,
    folder: str,
    log: str,
    token: str,
    limit: float,
    environment: Mapping[str, str],
    stop: threading.Event,
    home: str,
    run_id: str,
    keep_open: Sequence[int] = (),
    containment: Containment | None = None,
) -> SupervisedResult:
    """Runs a command to its end, contained as it says; both its streams are appended to the log.

    The status is TIMED_OUT when it took longer than `limit` seconds, NOT_STARTED when there is no such program.

    Raises Interrupted when the run was stopped meanwhile, WorkFailed when the log can't be written.
    """
    job = Job(
        worker=name,
        role="check",
        provider="command",
        model="",
        prompt="",
        folder=folder,
        access=Access.TEST,
        result="",
        audit="",
        log=log,
        token=token,
        soft_limit=limit,
        hard_limit=limit,
        home=home,
        run_id=run_id,
        containment=containment,
    )
    launch = Launch(tuple(argv), b"", environment)
    with SupervisedClient(job, launch, soft_limit=limit, hard_limit=limit, keep_open=keep_open) as client:
        while not client.wait(_TICK):
            if stop.is_set():
                client.stop()
                break
        while not client.wait(1.0):
            pass
        verdict, stdout, _ = client.ended()
    if verdict.reason == supervisor_orders.STOPPED:
        raise Interrupted("interrupted", f"`{' '.join(argv)}` was stopped")
    if verdict.reason in (supervisor_orders.SOFT_LIMIT, supervisor_orders.HARD_LIMIT):
        return SupervisedResult(TIMED_OUT, stdout, timed_out=True)
    if verdict.status is None:
        return SupervisedResult(NOT_STARTED, stdout, verdict.complaint or verdict.reason)
    return SupervisedResult(verdict.status or (1 if verdict.reason else 0), stdout)
