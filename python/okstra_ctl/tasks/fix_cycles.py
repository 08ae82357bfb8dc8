"""Fix cycles on disk, `history/fix-cycles.jsonl`, and whether a run needs `--fix-cycle`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import OkstraError, Refused
from ..names import TaskKey
from ..paths import TaskFiles
from ..system import files as fsio
from ..system.json_text import encode_line
from ..system.jsonl import read_rows
from .fix_cycle_rules import YES, Cycle, RunEvent, cycle_of, fold, must_be_asked, next_rows


def cycles_of(task: TaskFiles) -> list[Cycle]:
    """Raises Unreadable (`state-unreadable`)."""
    return fold(read_rows(task.fix_cycles).rows)


def record_event(task: TaskFiles, what: RunEvent) -> list[dict[str, object]]:
    """Appends the rows that the event adds, and returns them. Under the project's lock."""
    rows = next_rows(cycles_of(task), what)
    if rows:  # in one write: a kill leaves no cycle without its first run
        fsio.make_folder(os.path.dirname(task.fix_cycles))
        fsio.append_line(task.fix_cycles, b"".join(map(encode_line, rows)))
    return rows


def finished_task(task: TaskFiles, manifest: Mapping[str, object], task_type: str, fix_cycle: str) -> str:
    """The run that finished the task, if the next run needs `--fix-cycle`; else empty."""
    by = str(manifest.get("finished_by") or "")
    if not by or fix_cycle:  # no need to read the cycles
        return ""
    return by if must_be_asked(cycles_of(task), task_type, fix_cycle, finished=True) else ""


def unused_fix_cycle_warning(task: TaskFiles, run_id: str, fix_cycle: str) -> str:
    """A warning for `--fix-cycle yes` on a task that is not finished; else empty."""
    try:
        there = fix_cycle != YES or cycle_of(cycles_of(task), run_id) is not None
    except OkstraError as error:
        return f"the fix cycles can't be read: {error.message} ({error.where})"
    return "" if there else "--fix-cycle yes: the task is not finished, so there is no fix cycle to open"


def require_fix_cycle_choice(
    task: TaskFiles, key: TaskKey, manifest: Mapping[str, object], task_type: str, fix_cycle: str
) -> None:
    """Raises Refused (`task-finished`) for a run that begins work on a finished task without `--fix-cycle`."""
    by = finished_task(task, manifest, task_type, fix_cycle)
    if by:
        raise Refused(
            "task-finished",
            f"{key} is finished: {by}",
            where=task.manifest,
            hint="--fix-cycle yes reopens it, and records the runs until it is accepted as one fix cycle; "
            "--fix-cycle no goes on without one",
        )
