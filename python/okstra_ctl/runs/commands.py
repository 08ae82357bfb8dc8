"""Running a command as part of a run: like a worker, it is ended with what started it, however that ends."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence

from .. import git
from ..agents.held_command import Held, run_held
from ..services import Doors
from ..system import files as fsio
from ..system import processes as proc
from . import events as run_events
from .check_script import SHELL, check_argv
from .find import KnownRun

CHECK_STARTED = "check-started"
A_DAY = 24 * 3600.0  # for who has no other limit: a person who waits, and can stop it


def hold_command(
    run: KnownRun,
    argv: Sequence[str],
    name: str,
    doors: Doors,
    *,
    event: str,
    limit: float = A_DAY,
    stop: threading.Event | None = None,
) -> Held:
    """Tells the event, with the token that its processes carry, then runs it, its output in the log of that name.

    `limit` is in seconds. Raises Interrupted when `stop` was set meanwhile, WorkFailed.
    """
    log = run.files.log(name)
    fsio.open_log(log, anew=True).close()
    token = uuid.uuid4().hex
    run_events.append(run.files, event, doors.clock.now(), run_id=str(run.id), command=list(argv), token=token)
    return run_held(
        argv,
        name=name,
        folder=run.folder,
        log=log,
        token=token,
        limit=limit,
        environment=git.users_environment(),
        stop=stop or threading.Event(),
        home=doors.home.root,
        run_id=str(run.id),
    )


def hold_shell(
    command: str, *, name: str, folder: str, log: str, doors: Doors, run_id: str, keep_open: Sequence[int] = ()
) -> int:
    """Runs a command of the project's outside a run's own steps: setting a worktree up, checking a merge. Its output
    is appended to the log. Answers its exit status. Raises WorkFailed when the log can't be written."""
    return run_held(
        in_shell(command),
        name=name,
        folder=folder,
        log=log,
        token=uuid.uuid4().hex,
        limit=A_DAY,
        environment=git.users_environment(),
        stop=threading.Event(),
        home=doors.home.root,
        run_id=run_id,
        keep_open=keep_open,
    ).status


def in_shell(command: str) -> tuple[str, ...]:
    """A command as the project's files write it. Raises Missing (`dependency-missing`) where there is no bash."""
    proc.require(SHELL, git.users_environment())
    return check_argv(command)
