"""A task's own records: its manifest, its page for people, its time line, the project's catalog.

All are shared by the runs of a project, so all are written under the project's lock.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ..core.identity import RunId, TaskKey
from ..core.json_text import encode_line
from ..core.lined_document import DocumentError, LinedDocument
from ..core.paths import ProjectFiles, TaskFiles
from ..edges import fsio
from ..edges.locks import LockKind, hold
from ..words.errors import OkstraError, Refused, Unreadable

MANIFEST_SCHEMA = "task-manifest/1"
CATALOG_SCHEMA = "task-catalog/1"
LATEST_SCHEMA = "latest-task/1"
_CATALOG_SECTIONS = ("tasks",)
_TEXT_FIELDS = ("task_key", "project_id", "task_group", "task_id", "work_category", "brief")

Manifest = dict[str, object]


_GITIGNORE = b"# okstra's runs stay out of git; the project's settings don't.\n*\n!project.json\n"


class RunNews(NamedTuple):
    """What the records learn of a run: `event` is a word of the time line."""

    run: RunId
    event: str
    at: str
    next_step: str
    note: str = ""


def read_manifest(task: TaskFiles) -> Manifest | None:
    """The task's manifest; None when there is none. Raises Unreadable (`state-unreadable`), also when a field is."""
    manifest = fsio.read_json(task.manifest, MANIFEST_SCHEMA)
    if manifest is not None and not _is_whole(manifest):
        hint = "restore it, or move it away: the task's next run makes it anew"
        raise Unreadable("state-unreadable", "it lacks fields of a task manifest", where=task.manifest, hint=hint)
    return manifest


def _is_whole(manifest: Manifest) -> bool:
    phases = manifest.get("phases")
    return (
        all(isinstance(manifest.get(name), str) for name in _TEXT_FIELDS)
        and isinstance(phases, dict)
        and all(isinstance(row, dict) and isinstance(row.get("runs"), int) for row in phases.values())
        and all({"last_run", "last_at"} <= row.keys() for row in phases.values())
    )


def read_task_identity(task_root: str) -> TaskKey | None:
    """The key of the task whose folder this is; None when it is none."""
    manifest = read_manifest(TaskFiles(task_root))
    if manifest is None:
        return None
    return TaskKey.make(str(manifest["project_id"]), str(manifest["task_group"]), str(manifest["task_id"]))


def check_folder_is_free(project: ProjectFiles, key: TaskKey) -> Manifest | None:
    """The task's manifest, or None for a new task. Raises Refused (`name-taken`) when the folder is another task's."""
    task = project.task(key)
    manifest = read_manifest(task)
    if manifest is not None and manifest.get("task_key") != str(key):
        raise Refused(
            "name-taken",
            f"{key} would share its folder with the task {manifest.get('task_key')}",
            where=task.root,
            hint="choose another task group or id",
        )
    return manifest


def hide_runs(project: ProjectFiles) -> None:
    """Keeps git from seeing the project's runs; settings stay visible, so that they can be committed."""
    if not os.path.exists(project.gitignore):
        with hold(LockKind.INDEX, project.lock):
            fsio.replace(project.gitignore, _GITIGNORE, mode=0o644)


def ensure_task(project: ProjectFiles, key: TaskKey, *, category: str, brief: str, at: str) -> Manifest:
    """The task's manifest, made now if this is its first run. Raises Refused (`name-taken`)."""
    found = check_folder_is_free(project, key)
    if found is not None:
        return found
    hide_runs(project)
    with hold(LockKind.INDEX, project.lock):
        found = check_folder_is_free(project, key)
        if found is not None:
            return found
        manifest = _new_manifest(key, category, brief, at)
        task = project.task(key)
        fsio.make_folder(os.path.dirname(task.timeline))
        fsio.replace_json(task.manifest, manifest)
        return manifest


def record(project: ProjectFiles, news: RunNews, *, worktree: str = "") -> None:
    """Tells manifest, page, time line, catalog and latest-task of a run. Idempotent but for the time line."""
    key = news.run.task
    task = project.task(key)
    with hold(LockKind.INDEX, project.lock):
        manifest = read_manifest(task)
        if manifest is None:
            manifest = _new_manifest(key, "", "", news.at)
            fsio.make_folder(os.path.dirname(task.timeline))
        _note_run(manifest, news)
        fsio.append_line(task.timeline, _timeline_row(news))
        fsio.replace_json(task.manifest, manifest)
        fsio.replace(task.page, _page(manifest, news, worktree).encode("utf-8", "surrogateescape"), durable=False)
        _update_catalog(project, manifest, news)
        latest = {"schema": LATEST_SCHEMA, "task_key": str(key), "run_id": str(news.run), "at": news.at}
        fsio.replace(project.latest_task, fsio.json_bytes(latest), durable=False)


def _new_manifest(key: TaskKey, category: str, brief: str, at: str) -> Manifest:
    return {
        "schema": MANIFEST_SCHEMA,
        "task_key": str(key),
        "project_id": key.project_id,
        "task_group": key.task_group,
        "task_id": key.task_id,
        "work_category": category,
        "brief": brief,
        "created_at": at,
        "phases": {},
        "last_run": "",
        "next_step": "",
    }


def _note_run(manifest: Manifest, news: RunNews) -> None:
    """Counts and the newest run of each phase: the manifest does not grow with the task's history."""
    phases = manifest.setdefault("phases", {})
    if not isinstance(phases, dict):
        raise Unreadable("state-unreadable", "phases is not a map", where=str(news.run.task))
    phase = phases.setdefault(news.run.task_type, {"runs": 0, "last_run": "", "last_event": "", "last_at": ""})
    phase["runs"] += 1 if news.event == "prepared" else 0
    phase.update(last_run=str(news.run), last_event=news.event, last_at=news.at)
    manifest["last_run"] = str(news.run)
    manifest["next_step"] = news.next_step


def _timeline_row(news: RunNews) -> bytes:
    row = {"v": 1, "at": news.at, "event": news.event, "run_id": str(news.run), "note": news.note}
    return encode_line(row)


def _page(manifest: Manifest, news: RunNews, worktree: str) -> str:
    lines = [f"# {manifest['task_key']}", "", f"- category: {manifest['work_category'] or 'not set'}"]
    lines += [f"- brief: {manifest['brief'] or 'none'}", f"- last run: `{news.run}` ({news.event}, {news.at})"]
    if worktree:
        lines.append(f"- worktree of that run: `{worktree}`")
    lines += [f"- next: `{news.next_step}`", "", "| phase | runs | last run | when |", "|---|---|---|---|"]
    phases = manifest["phases"]
    if isinstance(phases, dict):
        lines += [
            f"| {name} | {row['runs']} | `{row['last_run']}` | {row['last_at']} |" for name, row in phases.items()
        ]
    return "\n".join([*lines, ""])


def _update_catalog(project: ProjectFiles, manifest: Manifest, news: RunNews) -> None:
    data = fsio.read_bytes(project.task_catalog)
    try:
        catalog = (
            LinedDocument(CATALOG_SCHEMA, _CATALOG_SECTIONS)
            if data is None
            else LinedDocument.parse(data, CATALOG_SCHEMA, _CATALOG_SECTIONS)
        )
    except DocumentError as error:
        raise Unreadable(
            "state-unreadable",
            f"the task catalog can't be read: {error}",
            where=project.task_catalog,
            hint="move it away: it is made anew from the tasks' manifests by their next runs",
        ) from error
    catalog.put(
        "tasks",
        str(news.run.task),
        {
            "title": str(manifest.get("title", "")) or news.run.task.task_id,
            "work_category": manifest["work_category"],
            "phase": news.run.task_type,
            "last_run": str(news.run),
            "last_at": news.at,
            "next_step": news.next_step,
        },
    )
    fsio.make_folder(os.path.dirname(project.task_catalog))
    fsio.replace(project.task_catalog, catalog.dump())


def record_softly(project: ProjectFiles, news: RunNews, *, worktree: str = "") -> str:
    """As `record`, for after a commit point: a failure is answered as a warning, because the run itself stands."""
    try:
        record(project, news, worktree=worktree)
    except OkstraError as error:
        return f"the task's records could not be updated: {error.message} ({error.where})"
    return ""
