"""The seam to what places jobs on machines: submit, state, cancel, output. What a job did is read from the ledger."""

from __future__ import annotations

from typing import Protocol

from .fleet_file import DASK, Fleet
from .job import Job, JobState


class Engine(Protocol):
    """Every verb raises WorkFailed (`fleet-unreachable`) when the engine does not answer. `pause`: the
    longest between two looks at its jobs while nothing happens, in seconds."""

    pause: float

    def submit(self, job: Job) -> str:
        """Returns the engine's handle of it."""

    def state(self, handle: str) -> JobState: ...

    def cancel(self, handle: str) -> None: ...

    def output(self, handle: str) -> str:
        """What the job has printed, as far as the engine has it."""

    def nodes(self) -> list[tuple[str, int, int]]:
        """Each node's name, its slots, and how many of them are taken; empty where the engine does not say."""

    def close(self) -> None: ...


def open_engine(fleet: Fleet) -> Engine:
    """Raises WorkFailed (`fleet-unreachable`), Missing (`dependency-missing`)."""
    if fleet.engine == DASK:
        from .dask_engine import DaskEngine

        assert fleet.dask is not None
        return DaskEngine(fleet.dask)
    from .slurm_engine import SlurmEngine

    assert fleet.slurm is not None
    return SlurmEngine(fleet.slurm)
