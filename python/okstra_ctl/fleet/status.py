"""What was placed from here: what the engine says of each job, and what the ledger says of its stage."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import OkstraError
from ..names import TaskKey
from ..services import Services
from ..settings.project import open_project
from ..stages.records import newest_plan_states
from .engine import Engine, open_engine
from .fleet_file import read_fleet
from .job_files import all_jobs


class JobRow(NamedTuple):
    """`engine`: the job's state; `ledger`: its stage's status, which alone counts."""

    job: str
    task_key: str
    stage: int
    engine: str
    ledger: str
    attempts: int
    fleet: str


def look(services: Services, start: str) -> tuple[list[JobRow], list[tuple[str, int, int]], list[str]]:
    """The jobs; the nodes, each with its slots and how many are taken; and warnings, of what does not answer."""
    jobs = list(all_jobs(services.home))
    engines: dict[str, Engine] = {}
    warnings: list[str] = []
    nodes: list[tuple[str, int, int]] = []
    for path in dict.fromkeys(job.fleet for job in jobs):
        try:
            engines[path] = open_engine(read_fleet(path))
            nodes += engines[path].nodes()
        except OkstraError as error:
            warnings.append(f"{path}: {error.message}")
    try:
        rows = [
            JobRow(
                job.job,
                job.task_key,
                job.stage,
                str(engines[job.fleet].state(job.handle)) if job.fleet in engines else "unknown",
                _status_of(job.task_key, job.stage, services, start),
                job.attempts,
                job.fleet,
            )
            for job in jobs
        ]
    finally:
        for engine in engines.values():
            engine.close()
    return rows, nodes, warnings


def _status_of(task_key: str, stage: int, services: Services, start: str) -> str:
    try:
        key = TaskKey.parse(task_key)
        project = open_project(start, services)
        states = newest_plan_states(project.files.task(key), key, services)[1]
    except OkstraError:  # another project's
        return "unknown"
    return next((str(state.status) for state in states if state.stage == stage), "unknown")
