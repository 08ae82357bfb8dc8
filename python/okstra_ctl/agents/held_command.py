"""A shell command of the user's under a warden: held to a limit, stopped with the run, and nothing of it lives on."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ..words.errors import Interrupted
from ..words.outcomes import Access
from . import warden_orders
from .held_client import HeldClient
from .job import Job, Launch

TIMED_OUT = 124  # as `timeout` says it
NOT_STARTED = 127
_TICK = 0.1


def run_held(
    command: str,
    *,
    name: str,
    folder: str,
    log: str,
    token: str,
    limit: float,
    environment: Mapping[str, str],
    stop: threading.Event,
) -> int:
    """Its exit status; TIMED_OUT when it took longer than the limit (seconds). Its output is appended to the log.

    Raises Interrupted when the run was stopped meanwhile, WorkFailed when the log can't be written.
    """
    job = Job(
        worker=name,
        role="check",
        provider="shell",
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
    )
    launch = Launch(("sh", "-c", command), b"", environment)
    with HeldClient(job, launch, soft_limit=limit, hard_limit=limit) as client:
        while not client.wait(_TICK):
            if stop.is_set():
                client.stop()
                break
        while not client.wait(1.0):
            pass
        verdict = client.ended().verdict
    if verdict.reason == warden_orders.STOPPED:
        raise Interrupted("interrupted", f"`{command}` was stopped")
    if verdict.reason in (warden_orders.SOFT_LIMIT, warden_orders.HARD_LIMIT):
        return TIMED_OUT
    return NOT_STARTED if verdict.status is None else (verdict.status or (1 if verdict.reason else 0))
