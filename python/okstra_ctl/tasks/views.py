"""What is made from a task's records for others: its page for people, `task-index.md`, and its line in the project's
catalog.

Both are written under the project's lock, and again by whatever happens to the task next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import OkstraError, Unreadable
from ..names import RunId, TaskKey
from ..paths import ProjectFiles
from ..system import files
from ..system.text import DocumentError, Entry, dump, parse, text_bytes
from .fix_cycles import Cycle, cycles_of

CATALOG_SCHEMA = "task-catalog/1"
CATALOG_SECTIONS = ("tasks",)


Manifest = Mapping[str, Any]


def write_page(project: ProjectFiles, key: TaskKey, manifest: Manifest, *, worktree: str = "") -> None:
    """`worktree` is where the task's last run works; empty: as that run's manifest says."""
    task = project.task(key)
    text = task_page(manifest, cycles_of(task), worktree=worktree or _worktree_of(project, manifest))
    files.replace(task.page, text_bytes(text), durable=False)


def update_catalog(project: ProjectFiles, manifest: Manifest) -> None:
    """Raises Unreadable (`state-unreadable`) for a catalog that is none: it is not overwritten."""
    data = files.read_bytes(project.task_catalog)
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
    files.make_folder(os.path.dirname(project.task_catalog))
    files.replace(project.task_catalog, dump(CATALOG_SCHEMA, {"tasks": tasks}))


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
        worktree = (files.read_json(project.task(run.task).run_of(run).manifest) or {}).get("worktree")
    except OkstraError:
        return ""
    return str(worktree.get("path", "")) if isinstance(worktree, dict) else ""


def task_page(manifest: Mapping[str, Any], cycles: Sequence[Cycle], *, worktree: str) -> str:
    """`worktree` is where the task's last run works; empty when nobody knows."""
    lines = [f"# {manifest['task_key']}", ""]
    if manifest.get("title"):
        lines += [_line(manifest["title"]), ""]
    lines += [f"- category: {manifest['work_category'] or 'not set'}", f"- brief: {manifest['brief'] or 'none'}"]
    lines += [*_links(manifest), f"- last run: {_last_run(manifest)}"]
    if worktree:
        lines.append(f"- worktree of that run: `{worktree}`")
    if manifest.get("finished_by"):
        lines.append(f"- finished by `{manifest['finished_by']}`")
    lines.append(f"- next: `{_line(manifest['next_step'])}`")
    lines += ["", "| phase | runs | last run | when |", "|---|---|---|---|"]
    for name, row in manifest["phases"].items():
        lines.append(f"| {name} | {row['runs']} | `{row['last_run']}` | {row['last_at']} |")
    return "\n".join([*lines, *_cycles(cycles), ""])


def _links(manifest: Mapping[str, Any]) -> Iterator[str]:
    parent = manifest.get("parent")
    if isinstance(parent, Mapping):
        yield f"- comes from: {parent.get('item')} of `{parent.get('run_id')}`"
    related = manifest.get("related")
    if isinstance(related, list) and related:
        yield "- related: " + ", ".join(f"`{_line(key)}`" for key in related)


def _last_run(manifest: Mapping[str, Any]) -> str:
    last = manifest["last_run"]
    row = next((row for row in manifest["phases"].values() if row["last_run"] == last), None)
    return f"`{last}` ({row.get('last_event', '')}, {row['last_at']})" if row else "none"


def _cycles(cycles: Sequence[Cycle]) -> Iterator[str]:
    if not cycles:
        return
    yield from ("", "## Fix cycles", "", "| cycle | opened | runs | closed |", "|---|---|---|---|")
    for cycle in cycles:
        runs = ", ".join(f"`{run}`" for run in cycle.runs)
        closed = f"{cycle.closed_at} by `{cycle.closed_by}`" if cycle.closed_by else "open"
        yield f"| {cycle.id} | {cycle.opened_at} | {runs} | {closed} |"


def _line(text: object) -> str:
    return " ".join(str(text).split())
