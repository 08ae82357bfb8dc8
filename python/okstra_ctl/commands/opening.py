"""What `okstra open` shows of a run or a task, and the program that shows it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import OkstraError
from ..history.timeline import find_task, history_of
from ..names import RunId, TaskKey
from ..paths import RunFiles
from ..runs.find import find_run
from ..services import Doors


class Place(NamedTuple):
    """`kind` is `report`, `run-folder` or `task-folder`."""

    kind: str
    path: str


def place_of(text: str, start: str, doors: Doors) -> Place:
    """The newest HTML report of what is named, else its folder. Raises UsageError (`bad-identity`, `not-found`)."""
    try:
        RunId.parse(text)
    except OkstraError:
        return _of_task(TaskKey.parse(text), start, doors)
    files = find_run(text, start, doors).files
    return _report(files) or Place("run-folder", files.dir)


def program(path: str, environment: Mapping[str, str]) -> list[str]:
    """The command that shows a file or folder: $BROWSER, else what the system has for it. Empty: there is none."""

    system = "open" if sys.platform == "darwin" else "xdg-open"
    for text in (*environment.get("BROWSER", "").split(os.pathsep), system):
        try:
            words = shlex.split(text)
        except ValueError:
            continue
        if words and shutil.which(words[0], path=environment.get("PATH")):
            return [word.replace("%s", path) for word in words] if "%s" in text else [*words, path]
    return []


def _of_task(key: TaskKey, start: str, doors: Doors) -> Place:
    """Its runs are gone through by when they were prepared, the newest first."""
    task = find_task(key, start, doors)
    for run in reversed(history_of(key, start, doors).runs):
        report = _report(task.run_of(RunId.parse(run.run_id)))
        if report is not None:
            return report
    return Place("task-folder", task.root)


def _report(files: RunFiles) -> Place | None:
    return Place("report", files.report_html) if os.path.isfile(files.report_html) else None
