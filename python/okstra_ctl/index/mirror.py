"""A project's own copy of its rows of the index: it lists the runs of the project even without the home that ran them,
and when the folders of the runs are gone.

It is appended to after the index itself, and read by `reconcile` only, which adds rows that a kill left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import OkstraError
from ..names import RunId
from ..paths import ProjectFiles
from ..system import files
from ..system.locks import LockKind, locked
from .database import Row, rows_of, unchanged, with_beginnings


def append_lines(lines: Mapping[str, bytes]) -> str:
    """Appends lines, given by project root. Returns a warning when some could not be written; the index has them.

    A project that is gone is skipped.
    """
    failed = []
    for root, text in lines.items():
        project = ProjectFiles(root)
        if not os.path.isdir(project.okstra_dir):
            continue
        try:
            with locked(LockKind.INDEX, project.lock):
                files.append_line(project.runs, text)
        except OkstraError as error:
            failed.append(f"the project's own list of runs could not be updated: {error.message} ({error.where})")
    return "; ".join(failed)


def append_if_unchanged(root: str, lines: Mapping[str, bytes], seen: Mapping[str, Row]) -> int:
    """Appends the lines, given by run, of those runs of which the copy still tells what it did when `seen` was read;
    returns how many. Raises WorkFailed (`write-failed`), Busy."""
    project = ProjectFiles(root)
    with locked(LockKind.INDEX, project.lock):
        still = unchanged(lines, seen, newest_rows(root))
        wanted = [line for run, line in lines.items() if run in still]
        if wanted:
            files.append_line(project.runs, b"".join(wanted))
    return len(wanted)


def newest_rows(root: str) -> list[Row]:
    """The row that counts of each run, with what is known of its beginning, and the project's current path.

    What can't be read is skipped.
    """
    project = ProjectFiles(root)
    try:
        rows = rows_of(files.read_bytes(project.runs) or b"")
    except OkstraError:
        return []
    return [placed for row in with_beginnings([rows]) if (placed := _placed(row, project))]


def _placed(row: Row, project: ProjectFiles) -> Row | None:
    """With the project's current path; None for a row that names no run."""
    try:
        run = RunId.parse(row["run_id"])
    except OkstraError:
        return None
    return {**row, "project_root": project.root, "manifest": project.task(run.task).run_of(run).manifest}
