"""What tasks and runs a project has, by its folders. What can't be read is passed over."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ..errors import OkstraError
from ..names import IMPLEMENTATION, RunId, TaskKey, number_in
from ..paths import ProjectFiles, TaskFiles
from ..system import files as fsio
from ..tasks.records import read_task_identity

_MANIFEST = re.compile(r"run-manifest-(?P<type>[a-z][a-z-]*)-(?P<seq>[0-9]{3,9})\.json\Z")


def tasks_of(root: str) -> Iterator[tuple[TaskKey, TaskFiles]]:
    """Every task that the project has a folder of."""
    folder = ProjectFiles(root).tasks_dir
    for group in fsio.names_in(folder):
        for name in fsio.names_in(os.path.join(folder, group)):
            place = os.path.join(folder, group, name)
            try:
                key = read_task_identity(place)
            except OkstraError:
                continue
            if key is not None:
                yield key, TaskFiles(place)


def stage_numbers(task: TaskFiles) -> list[int]:
    """The stages that have a run folder."""
    names = (name for name in fsio.names_in(task.run_dir(IMPLEMENTATION)) if name.startswith("stage-"))
    numbers = [number_in(name.removeprefix("stage-")) for name in names]
    return sorted(number for number in numbers if number is not None)


def runs_of(key: TaskKey, task: TaskFiles) -> Iterator[tuple[RunId, str]]:
    """Every run that has a manifest, with the manifest's path. No manifest is read for it."""
    for task_type in fsio.names_in(os.path.join(task.root, "runs")):
        for stage in [None, *(stage_numbers(task) if task_type == IMPLEMENTATION else [])]:
            folder = os.path.join(task.run_dir(task_type, stage), "manifests")
            for name in fsio.names_in(folder):
                found = _MANIFEST.fullmatch(name)
                if found and found["type"] == task_type:
                    yield RunId(key, task_type, stage, int(found["seq"])), os.path.join(folder, name)
