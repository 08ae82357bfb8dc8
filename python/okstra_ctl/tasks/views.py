"""What is made from a task's records for others: its page, and its line in the project's catalog.

Both are written under the project's lock, and again by whatever happens to the task next.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import OkstraError, Unreadable
from ..names import RunId, TaskKey
from ..paths import ProjectFiles
from ..system import files as fsio
from ..system.json_text import DocumentError, Entry, dump, parse, text_bytes
from .fix_cycles import cycles_of
from .page import task_page

CATALOG_SCHEMA = "task-catalog/1"
CATALOG_SECTIONS = ("tasks",)

Manifest = Mapping[str, Any]


def write_page(project: ProjectFiles, key: TaskKey, manifest: Manifest, *, worktree: str = "") -> None:
    """`worktree` is where the task's last run works; empty: as that run's manifest says."""
    task = project.task(key)
    text = task_page(manifest, cycles_of(task), worktree=worktree or _worktree_of(project, manifest))
    fsio.replace(task.page, text_bytes(text), durable=False)


def update_catalog(project: ProjectFiles, manifest: Manifest) -> None:
    """Raises Unreadable (`state-unreadable`) for a catalog that is none: it is not overwritten."""
    data = fsio.read_bytes(project.task_catalog)
    try:
        catalog = {} if data is None else parse(data, CATALOG_SCHEMA, CATALOG_SECTIONS)
    except DocumentError as error:
        raise Unreadable(
            "state-unreadable",
            f"the task catalog can't be read: {error}",
            where=project.task_catalog,
            hint="okstra reconcile --apply sets it aside and makes it anew from the tasks' manifests",
        ) from error
    write_catalog(project, {**catalog.get("tasks", {}), str(manifest["task_key"]): catalog_entry(manifest)})


def write_catalog(project: ProjectFiles, tasks: Mapping[str, Entry]) -> None:
    """Raises WorkFailed (`write-failed`)."""
    fsio.make_folder(os.path.dirname(project.task_catalog))
    fsio.replace(project.task_catalog, dump(CATALOG_SCHEMA, {"tasks": tasks}))


def catalog_entry(manifest: Manifest) -> dict[str, object]:
    """A task's line in the catalogue."""
    last = str(manifest["last_run"])
    phase = next((name for name, row in manifest["phases"].items() if row["last_run"] == last), "") if last else ""
    return {
        "title": str(manifest.get("title", "")) or manifest["task_id"],
        "work_category": manifest["work_category"],
        "phase": phase,
        "last_run": last,
        "last_at": manifest["phases"][phase]["last_at"] if phase else manifest["created_at"],
        "next_step": manifest["next_step"],
    }


def _worktree_of(project: ProjectFiles, manifest: Manifest) -> str:
    """It is for people: what can't be read is left out."""
    try:
        run = RunId.parse(str(manifest["last_run"]))
        worktree = (fsio.read_json(project.task(run.task).run_of(run).manifest) or {}).get("worktree")
    except OkstraError:
        return ""
    return str(worktree.get("path", "")) if isinstance(worktree, dict) else ""
