"""What went wrong in runs: the rows of the error logs of the selected runs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import OkstraError
from ..paths import RunFiles
from ..services import Services
from ..status import Failure, WorkerOutcome
from ..system.jsonl import read_rows
from .listing import RunRow, run_rows

KINDS = tuple(str(word) for word in (*WorkerOutcome, *Failure) if word not in (WorkerOutcome.COMPLETED, Failure.NONE))
"""What `--kind` takes: how a dispatch ended, or why its client did not finish."""


class Logged(NamedTuple):
    """One dispatch that did not end well. What its row lacks is empty."""

    at: str
    run_id: str
    worker: str
    label: str
    attempt: int
    outcome: str
    failure: str
    message: str
    problems: tuple[str, ...]
    log: str


class ErrorLog(NamedTuple):
    """`unread` names files, or lines of them, that can't be read: `FILE` or `FILE:LINE`."""

    rows: tuple[Logged, ...]
    unread: tuple[str, ...]


def runs_asked_for(services: Services, *, project: str = "", task_key: str = "") -> list[RunFiles]:
    """The files of every run in the index that is of that project and task."""
    return [
        files for row in run_rows(services) if row.is_of(project, task_key) and (files := _files_of(row)) is not None
    ]


def read_error_log(runs: Iterable[RunFiles], *, oldest: str = "", kind: str = "") -> ErrorLog:
    """The rows of all these runs, the newest last."""
    found: list[Logged] = []
    unread: list[str] = []
    for files in runs:
        try:
            rows, damaged = read_rows(files.errors)
        except OkstraError:
            unread.append(files.errors)
            continue
        unread += [f"{files.errors}:{number}" for number in damaged]
        found += [_logged(files, row) for row in rows]
    kept = [row for row in found if row.at >= oldest and kind in ("", row.outcome, row.failure)]
    return ErrorLog(tuple(sorted(kept, key=lambda row: row.at)), tuple(unread))


def _files_of(row: RunRow) -> RunFiles | None:
    """By the manifest's path, `<run folder>/manifests/run-manifest-<type>-<seq>.json`; None for a row without one."""
    folder, name = os.path.split(row.manifest)
    seq = name.removesuffix(".json").rpartition("-")[2]
    return RunFiles(os.path.dirname(folder), row.task_type, seq) if folder and row.task_type else None


def _logged(files: RunFiles, row: dict[str, Any]) -> Logged:
    def text(name: str) -> str:
        value = row.get(name)
        return value if isinstance(value, str) else ""

    problems, attempt = row.get("problems"), row.get("attempt")
    number = attempt if isinstance(attempt, int) else 1
    return Logged(
        at=text("at"),
        run_id=text("run_id"),
        worker=text("worker"),
        label=text("label"),
        attempt=number,
        outcome=text("outcome"),
        failure=text("failure"),
        message=text("message"),
        problems=tuple(map(str, problems)) if isinstance(problems, list) else (),
        log=files.worker_log(text("worker"), text("label"), number),
    )
