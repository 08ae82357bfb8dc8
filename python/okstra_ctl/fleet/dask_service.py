"""The processes of a Dask fleet: its scheduler, and a node."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from ..errors import WorkFailed
from ..system import files
from .dask_engine import require_dask, security_of
from .fleet_file import DaskSettings, Node, host_of, port_of

_HEARTBEAT = "1s"


def serve_scheduler(settings: DaskSettings) -> None:
    """Serves until it is shut down. Raises WorkFailed (`fleet-unreachable`) when the address can't be had."""
    require_dask()
    import dask
    from distributed import Scheduler

    options = {
        "distributed.scheduler.allowed-failures": 0,  # okstra decides what is done again
        "distributed.scheduler.worker-saturation": 1.0,  # no job waits on a node while another has a free slot
        "distributed.scheduler.worker-ttl": f"{settings.node_timeout}s",
        "distributed.scheduler.http.routes": [],
        "distributed.admin.tick.limit": "30s",
    }

    async def serve() -> None:
        async with Scheduler(
            host=host_of(settings.scheduler),
            port=port_of(settings.scheduler),
            protocol=settings.scheduler.partition(":")[0],
            security=security_of(settings),
            dashboard=False,
            dashboard_address="127.0.0.1:0",
        ) as scheduler:
            await scheduler.finished()

    with dask.config.set(options):
        _run(serve(), settings.scheduler)


def serve_node(settings: DaskSettings, node: Node, scratch: str) -> None:
    """Serves until the scheduler is gone, or the node is told to end. The process is the node: jobs end with it.
    `scratch`: a folder of its own.
    """
    require_dask()
    import dask
    from distributed import Worker

    os.chdir(node.project)
    options = {"distributed.worker.http.routes": [], "distributed.admin.tick.limit": "30s"}

    async def serve() -> None:
        worker: Any = Worker(
            settings.scheduler,
            nthreads=node.slots,
            name=node.name,
            security=security_of(settings),
            dashboard=False,
            dashboard_address="127.0.0.1:0",
            death_timeout=30,
            memory_limit=None,
            heartbeat_interval=_HEARTBEAT,
            local_directory=scratch,
        )
        async with worker:
            await worker.finished()

    files.make_private_folders(scratch)
    with dask.config.set(options):
        _run(serve(), settings.scheduler)


def _run(service: Any, address: str) -> None:
    try:
        asyncio.run(service)
    except (OSError, TimeoutError, RuntimeError) as error:
        raise WorkFailed("fleet-unreachable", f"{str(error) or type(error).__name__}", where=address) from error
