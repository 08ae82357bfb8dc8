"""Fix cycles on disk, `history/fix-cycles.jsonl`, and whether a run has to say that it opens one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import OkstraError, Refused
from ..names import TaskKey
from ..paths import TaskFiles
from ..system import files as fsio
from ..system.json_text import encode_line
from ..system.jsonl import read_rows
from .fix_cycle_rules import YES, Cycle, Happening, cycle_of, fold, must_be_asked, next_rows


def cycles_of(task: TaskFiles) -> list[Cycle]:
    """Raises Unreadable (`state-unreadable`)."""
    return fold(read_rows(task.fix_cycles).rows)


def tell(task: TaskFiles, what: Happening) -> list[dict[str, object]]:
    """Writes what the event adds, and answers it. Under the project's lock."""
    rows = next_rows(cycles_of(task), what)
    if rows:  # in one write: a kill leaves no cycle without its first run
        fsio.make_folder(os.path.dirname(task.fix_cycles))
        fsio.append_line(task.fix_cycles, b"".join(map(encode_line, rows)))
    return rows


def finished_task(task: TaskFiles, manifest: Mapping[str, object], task_type: str, wish: str) -> str:
    """The run that finished the task, where the next run must say whether it opens it again; else empty."""
    by = str(manifest.get("finished_by") or "")
    if not by or wish:  # then the cycles need not be read
        return ""
    return by if must_be_asked(cycles_of(task), task_type, wish, finished=True) else ""


def unheeded(task: TaskFiles, run_id: str, wish: str) -> str:
    """A warning for a run that was to open a finished task again, where there was none to open; else empty."""
    try:
        there = wish != YES or cycle_of(cycles_of(task), run_id) is not None
    except OkstraError as error:
        return f"the fix cycles can't be read: {error.message} ({error.where})"
    return "" if there else "--fix-cycle yes: the task is not finished, so there is no fix cycle to open"


def require_word(task: TaskFiles, key: TaskKey, manifest: Mapping[str, object], task_type: str, wish: str) -> None:
    """Raises Refused (`task-finished`) for a run that begins work on a finished task and does not say why."""
    by = finished_task(task, manifest, task_type, wish)
    if by:
        raise Refused(
            "task-finished",
            f"{key} is finished: {by}",
            where=task.manifest,
            hint="--fix-cycle yes opens it again, and records the runs until it is accepted as one fix cycle; "
            "--fix-cycle no goes on without",
        )
