"""The jobs that were placed from this home, one file each, until their stages are settled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import UsageError
from ..home_paths import HomePaths
from ..names import TaskKey
from ..system import files

SCHEMA = "fleet-job/1"


class JobFile(NamedTuple):
    """`job` is the name that the stage's claim carries, `handle` the engine's name of the newest attempt; `fleet` is
    the path of the fleet.toml."""

    job: str
    task_key: str
    stage: int
    fleet: str
    handle: str
    attempts: int
    at: str


def all_jobs(home: HomePaths) -> Iterator[JobFile]:
    """In the order of their names. Raises Unreadable for a damaged one."""
    for name in files.names_in(home.placed):
        if name.endswith(".json"):
            row = files.read_json(os.path.join(home.placed, name), SCHEMA)
            if row is not None:
                yield JobFile(**{field: row[field] for field in JobFile._fields})  # type: ignore[arg-type]


def jobs_of(home: HomePaths, key: TaskKey, fleet: str) -> dict[int, JobFile]:
    """By stage."""
    return {one.stage: one for one in all_jobs(home) if (one.task_key, one.fleet) == (str(key), fleet)}


def find_job(home: HomePaths, name: str) -> JobFile:
    """Raises UsageError (`not-found`)."""
    for one in all_jobs(home):
        if one.job == name:
            return one
    raise UsageError("not-found", f"no job {name} is on a fleet", where=home.placed, hint="okstra fleet status")


def save_job(home: HomePaths, job: JobFile) -> None:
    files.make_private_folders(home.placed)
    files.replace_json(_path(home, job.job), {"schema": SCHEMA, **job._asdict()})


def forget_job(home: HomePaths, job: str) -> None:
    files.discard(_path(home, job))


def _path(home: HomePaths, job: str) -> str:
    return os.path.join(home.placed, f"{job}.json")
