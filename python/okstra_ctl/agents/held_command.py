"""A command that is no agent under a warden: held to a limit, stopped with the run, and nothing of it lives on."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import Interrupted
from ..outcomes import Access
from . import supervisor_orders as warden_orders
from .job import Job, Launch
from .supervised_process import HeldClient

TIMED_OUT = 124  # as `timeout` says it
NOT_STARTED = 127
_TICK = 0.1


class Held(NamedTuple):
    """How it ended: its exit status, what it wrote to its standard output, and why it could not be started."""

    status: int
    stdout: bytes
    complaint: str = ""


def run_held(
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
) -> Held:
    """The status is TIMED_OUT when it took longer than the limit (seconds), NOT_STARTED when there is no such
    program. Both its streams are appended to the log.

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
    )
    launch = Launch(tuple(argv), b"", environment)
    with HeldClient(job, launch, soft_limit=limit, hard_limit=limit, keep_open=keep_open) as client:
        while not client.wait(_TICK):
            if stop.is_set():
                client.stop()
                break
        while not client.wait(1.0):
            pass
        verdict, stdout, _ = client.ended()
    if verdict.reason == warden_orders.STOPPED:
        raise Interrupted("interrupted", f"`{' '.join(argv)}` was stopped")
    if verdict.reason in (warden_orders.SOFT_LIMIT, warden_orders.HARD_LIMIT):
        return Held(TIMED_OUT, stdout)
    if verdict.status is None:
        return Held(NOT_STARTED, stdout, verdict.complaint or verdict.reason)
    return Held(verdict.status or (1 if verdict.reason else 0), stdout)
