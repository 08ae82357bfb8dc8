"""Running one shell command of a project in a checkout of okstra's own (`proof/checkout.py`), and how it ended."""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import NamedTuple

from .. import git
from ..agents.supervised_process import NOT_STARTED, run_supervised
from ..runs import events
from ..runs.commands import A_DAY, CHECK_STARTED, in_shell
from ..runs.containment import containment
from ..runs.find import KnownRun
from ..sandbox.choice import Sandbox
from ..sandbox.profile import Role
from ..services import Services
from ..status import Word
from ..system import files
from ..system.secrets import hide
from .checkout import Place

OUTPUT_BYTES = 8 * 1024
_READ_BYTES = 8 * OUTPUT_BYTES  # a secret that begins before the end is hidden as a whole
_NOT_EXECUTABLE = 126


class NotRun(Word):
    """Why a command shows nothing, whatever its exit status is."""

    NOT_FOUND = "not-found"
    """Exit 127: there is no such program."""
    NOT_EXECUTABLE = "not-executable"
    """Exit 126."""
    TIME_LIMIT = "time-limit"
    NO_SANDBOX = "no-sandbox"
    """It was to be contained, and nothing can contain it here: it was not started."""
    SETUP_FAILED = "setup-failed"
    """Its checkout could not be set up. For callers: `Checkouts.at` raises WorkFailed."""


class Ran(NamedTuple):
    """How a command ended.

    `exit` is bash's, with pipefail (`runs/commands.py`), and None for one that was not started or did not end; `why` is
    empty for one that ran. An exit check with exit 126 or 127 is red; as evidence it shows nothing. `output` is the end
    of what it wrote to both streams, without secrets, whole lines where it was cut.
    """

    exit: int | None
    why: NotRun | None = None
    output: str = ""
    seconds: float = 0.0

    @property
    def green(self) -> bool:
        return self.exit == 0 and self.why is None


class Runner(NamedTuple):
    """What the commands of one run or task have in common."""

    project_root: str
    services: Services
    sandbox: Sandbox
    """By `runs.containment.sandbox_of`, which asks for trust in the project's commands."""
    name: str
    """Of a run or task; its processes carry it."""
    log: str
    """All output is appended to this file, which exists already."""
    run: KnownRun | None = None
    """The run in whose events the start is recorded, so that a resume ends what a killed lead left."""
    stop: threading.Event | None = None

    def run_in(
        self,
        place: Place,
        command: str,
        role: Role,
        *,
        limit: float = A_DAY,
        only_contained: bool = False,
        title: str = "",
    ) -> Ran:
        """Runs a shell command in the checkout, in the sandbox profile of the role (`Role.CHECK`, `Role.EVIDENCE`).

        It gets `limit` seconds. `only_contained`: it is not started where there is no sandbox. `title` stands in the
        log, with the command, over its output. Raises Interrupted when
        `stop` was set meanwhile, Missing (`dependency-missing`) without bash, WorkFailed when the log can't be written.
        """
        if only_contained and not self.sandbox.contains:
            return Ran(None, NotRun.NO_SANDBOX)
        argv, token = in_shell(command), uuid.uuid4().hex
        if self.run is not None:
            at, run_id = self.services.clock.now(), str(self.run.id)
            events.append(self.run.files, CHECK_STARTED, at, run_id=run_id, command=list(argv), token=token)
        if title:
            with files.open_log(self.log) as log:
                files.write_log(log, f"$ {command}    ({title})\n")
        begin, started = os.path.getsize(self.log), time.monotonic()
        ended = run_supervised(
            argv,
            name=str(role),
            folder=place.path,
            log=self.log,
            token=token,
            limit=limit,
            environment={**git.users_environment(), **place.variables},
            stop=self.stop or threading.Event(),
            home=self.services.home.root,
            run_id=self.name,
            keep_open=() if place.lease is None else (place.lease,),
            containment=containment(
                self.sandbox, role, place.path, self.project_root, variables=tuple(place.variables)
            ),
        )
        seconds = time.monotonic() - started
        output = end_of(self.log, begin)
        if ended.timed_out:
            return Ran(None, NotRun.TIME_LIMIT, output, seconds)
        return Ran(ended.status, _why(ended.status), output, seconds)


def _why(status: int) -> NotRun | None:
    return {NOT_STARTED: NotRun.NOT_FOUND, _NOT_EXECUTABLE: NotRun.NOT_EXECUTABLE}.get(status)


def end_of(log: str, begin: int = 0) -> str:
    """The end of what a log has from that place on: OUTPUT_BYTES at most, without secrets."""
    written = max(0, os.path.getsize(log) - begin) if os.path.exists(log) else 0
    data = files.read_tail(log, min(written, _READ_BYTES), whole_lines=False)
    text, _ = hide(data.decode("utf-8", "replace"))
    shown = text.encode()
    if len(shown) <= OUTPUT_BYTES:
        return text
    cut = shown[-OUTPUT_BYTES:].decode("utf-8", "ignore")
    return cut.partition("\n")[2] or cut
