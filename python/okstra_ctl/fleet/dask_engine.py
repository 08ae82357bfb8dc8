"""Dask distributed as an engine: a job is one task, kept by the scheduler until it is forgotten.

Dask's own repeating is off: a job whose node is gone is reported as lost, and okstra decides. Without TLS, whoever
reaches the scheduler runs programs on every node: only loopback may do without.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import __version__
from ..errors import Missing, WorkFailed, extra_hint
from .dask_node import end_placed, run_placed
from .fleet_file import DaskSettings
from .job import Job, JobState, state_at_end

_PATIENCE_SECONDS = 15
_FRESH_SECONDS = 0.2
_KEY, _CERTIFICATE, _AUTHORITY = "fleet-key.pem", "fleet.pem", "ca.pem"


def security_of(settings: DaskSettings) -> Any:
    """The certificates that scheduler, nodes and clients show one another; None on loopback without TLS.

    Raises Missing (`dependency-missing`).
    """
    if not settings.is_encrypted:
        return None
    from distributed.security import Security

    authority, certificate, key = (os.path.join(settings.keys, name) for name in (_AUTHORITY, _CERTIFICATE, _KEY))
    for path in (authority, certificate, key):
        if not os.path.isfile(path):
            hint = "okstra fleet init makes them; a node gets a copy, without ca-key.pem"
            raise Missing("dependency-missing", f"the fleet's certificate {path} is missing", where=path, hint=hint)
    ends = {
        f"tls_{role}_{part}": path
        for role in ("scheduler", "worker", "client")
        for part, path in (("cert", certificate), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=authority, **ends)


def require_dask() -> None:
    """Raises Missing (`dependency-missing`)."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        message = "Dask is not installed, which places runs on a fleet"
        raise Missing("dependency-missing", message, hint=extra_hint("fleet")) from None


class DaskEngine:
    pause = 0.5

    def __init__(self, settings: DaskSettings) -> None:
        require_dask()
        from distributed import Client

        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._address = settings.scheduler
        self._futures: dict[str, Any] = {}
        self._running, self._asked_at = frozenset[str](), 0.0
        security = security_of(settings)
        with self._answering():
            self._client: Any = Client(
                settings.scheduler, security=security, timeout=_PATIENCE_SECONDS, set_as_default=False
            )

    def submit(self, job: Job) -> str:
        handle = f"{job.name}-{secrets.token_hex(4)}"
        with self._answering():
            future = self._client.submit(run_placed, handle, job.words, __version__, key=handle, pure=False, retries=0)
            self._client.publish_dataset(future, name=handle)
        self._futures[handle] = future
        return handle

    def state(self, handle: str) -> JobState:
        with self._answering():
            self._require_connected()
            future = self._future(handle)
            if future is None:
                return JobState.LOST
            status = future.status
            if status == "pending":
                return JobState.RUNNING if handle in self._running_now() else JobState.WAITING
            if status == "finished":
                return state_at_end(int(future.result()["status"]))
            return JobState.LOST

    def cancel(self, handle: str) -> None:
        with self._answering():
            self._require_connected()
            future = self._future(handle)
            self._client.run(end_placed, handle)
            if future is not None:
                self._client.cancel([future], force=True)
            self._client.unpublish_dataset(handle)
        self._futures.pop(handle, None)

    def output(self, handle: str) -> str:
        with self._answering():
            self._require_connected()
            future = self._future(handle)
            if future is None or future.status != "finished":
                return ""
            return str(future.result()["output"])

    def nodes(self) -> list[tuple[str, int, int]]:
        """Each node's name, its slots, and how many of them are taken."""
        with self._answering():
            self._require_connected()
            workers = self._client.scheduler_info(n_workers=-1)["workers"]
            taken = self._client.processing()
        return sorted((str(one["name"]), int(one["nthreads"]), len(taken.get(at, ()))) for at, one in workers.items())

    def shut_down(self) -> None:
        """Ends the scheduler and every node; what is at work there is stopped, and can be resumed."""
        with self._answering():
            self._client.shutdown()

    def close(self) -> None:
        self._client.close(timeout=2)

    def _running_now(self) -> frozenset[str]:
        """The handles of jobs at work, asked once for all that are looked at in one go."""
        if time.monotonic() - self._asked_at > _FRESH_SECONDS:
            taken = self._client.processing().values()
            self._running = frozenset(str(key) for keys in taken for key in keys)
            self._asked_at = time.monotonic()
        return self._running

    def _future(self, handle: str) -> Any:
        if handle not in self._futures:
            try:
                self._futures[handle] = self._client.get_dataset(handle)
            except KeyError:
                return None
        return self._futures[handle]

    def _require_connected(self) -> None:
        """The client would wait for the scheduler as long as it takes."""
        if self._client.status != "running":
            raise OSError("the connection is lost")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from distributed.comm import CommClosedError

        try:
            yield
        except (OSError, TimeoutError, CommClosedError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise WorkFailed(
                "fleet-unreachable",
                f"the scheduler does not answer: {reason}",
                where=self._address,
                hint="okstra fleet up starts it; what stages are done stays done, and the same command goes on",
            ) from error
