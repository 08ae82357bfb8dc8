"""A task's own records: its manifest, its page for people, its time line, the project's catalog.

All are shared by the runs of a project, so all are written under the project's lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..errors import OkstraError, Refused, Unreadable, UsageError
from ..names import REVIEW, RunId, TaskKey, check_new_key
from ..paths import ProjectFiles, TaskFiles
from ..settings.project import check_known_project_id, hide_runs
from ..system import files
from ..system.locks import LockKind, locked
from ..system.text import encode_line
from . import fix_cycles
from .fix_cycles import RunEvent, finished_by, is_accepted
from .views import update_catalog, write_page

MANIFEST_SCHEMA = "task-manifest/1"
LATEST_SCHEMA = "latest-task/1"
_TEXT_FIELDS = ("task_key", "project_id", "task_group", "task_id", "work_category", "brief")
_LATER_FIELDS = ("title", "finished_by", "last_run", "next_step", "created_at")

Manifest = dict[str, object]


class RunNews(NamedTuple):
    """An event to record: `event` is a word of the time line, `token` the verdict that the run ended with.

    `fix_cycle` is the run's `--fix-cycle`, `related` the keys of related tasks.
    """

    run: RunId
    event: str
    at: str
    next_step: str
    note: str = ""
    token: str = ""
    fix_cycle: str = ""
    related: tuple[str, ...] = ()


def read_manifest(task: TaskFiles) -> Manifest | None:
    """The task's manifest; None without one. Raises Unreadable (`state-unreadable`), also for a damaged field."""
    manifest = files.read_json(task.manifest, MANIFEST_SCHEMA)
    if manifest is not None and not _is_whole(manifest):
        hint = "restore it, or move it away: the task's next run writes it again"
        raise Unreadable("state-unreadable", "it lacks fields of a task manifest", where=task.manifest, hint=hint)
    return manifest


def _is_whole(manifest: Manifest) -> bool:
    phases, related, parent = manifest.get("phases"), manifest.get("related", []), manifest.get("parent", {})
    return (
        all(isinstance(manifest.get(name), str) for name in _TEXT_FIELDS)
        and all(isinstance(manifest.get(name, ""), str) for name in _LATER_FIELDS)
        and isinstance(related, list)
        and all(isinstance(key, str) for key in related)
        and isinstance(parent, dict)
        and isinstance(phases, dict)
        and all(isinstance(row, dict) and isinstance(row.get("runs"), int) for row in phases.values())
        and all({"last_run", "last_at"} <= row.keys() for row in phases.values())
    )


def read_task_identity(task_root: str) -> TaskKey | None:
    """The key of the task whose folder this is; None when it is no task's."""
    manifest = read_manifest(TaskFiles(task_root))
    if manifest is None:
        return None
    return TaskKey.make(str(manifest["project_id"]), str(manifest["task_group"]), str(manifest["task_id"]))


def check_folder_is_free(project: ProjectFiles, key: TaskKey) -> Manifest | None:
    """The task's manifest, or None for a new task.

    Raises Refused (`name-taken`) when the folder is another task's, UsageError (`bad-identity`) for a key that no
    new task may have.
    """
    task = project.task(key)
    manifest = read_manifest(task)
    if manifest is None:
        check_new_key(key)
        check_known_project_id(project, key.project_id)
    if manifest is not None and manifest.get("task_key") != str(key):
        raise Refused(
            "name-taken",
            f"{key} would share its folder with the task {manifest.get('task_key')}",
            where=task.root,
            hint="choose another task group or id",
        )
    return manifest


def ensure_task(
    project: ProjectFiles, key: TaskKey, *, category: str, brief: str, at: str, title: str = "", next_step: str = ""
) -> Manifest:
    """The task's manifest, made now if this is its first run: then `next_step` is how it goes on. Raises Refused
    (`name-taken`).

    A task without a category or a brief (its plan was adopted before its first run) gets these.
    """
    found = check_folder_is_free(project, key)
    if found is not None and not _lacks(found, category, brief):
        return found
    hide_runs(project)
    with locked(LockKind.INDEX, project.lock):
        found = check_folder_is_free(project, key)
        if found is not None:
            if _lacks(found, category, brief):
                found = {
                    **found,
                    "work_category": found["work_category"] or category,
                    "brief": found["brief"] or brief,
                }
                files.replace_json(project.task(key).manifest, found)
            return found
        manifest = {**new_manifest(key, category, brief, at), **({"title": title} if title else {})}
        manifest["next_step"] = next_step or manifest["next_step"]
        task = project.task(key)
        files.make_folder(os.path.dirname(task.timeline))
        files.replace_json(task.manifest, manifest)
        return manifest


def _lacks(manifest: Manifest, category: str, brief: str) -> bool:
    return bool(category and not manifest["work_category"]) or bool(brief and not manifest["brief"])


def record(project: ProjectFiles, news: RunNews, *, worktree: str = "") -> None:
    """Records a run's event in manifest, page, time line, catalog and latest-task. Idempotent but for the time line."""
    key = news.run.task
    task = project.task(key)
    with locked(LockKind.INDEX, project.lock):
        manifest = read_manifest(task)
        if manifest is None:
            manifest = new_manifest(key, "", "", news.at)
            files.make_folder(os.path.dirname(task.timeline))
        for row in [*_record_fix_cycles(task, manifest, news), _timeline_row(news)]:
            files.append_line(task.timeline, row)
        _note_run(manifest, news)
        add_related(manifest, news.related)
        files.replace_json(task.manifest, manifest)
        write_page(project, key, manifest, worktree=worktree)
        update_catalog(project, manifest)
        if news.run.task_type == REVIEW:  # of what others did: it is not what the person is at
            return
        latest = {"schema": LATEST_SCHEMA, "task_key": str(key), "run_id": str(news.run), "at": news.at}
        files.replace(project.latest_task, files.json_bytes(latest), durable=False)
        link_back(project, manifest)


def try_record_next_step(project: ProjectFiles, key: TaskKey, step: str) -> str:
    """Records the next step of a task that has had no run. Returns a failure as a warning."""
    try:
        with locked(LockKind.INDEX, project.lock):
            manifest = read_manifest(project.task(key))
            if manifest is not None and manifest.get("next_step") != step:
                manifest["next_step"] = step
                files.replace_json(project.task(key).manifest, manifest)
                write_page(project, key, manifest)
                update_catalog(project, manifest)
    except OkstraError as error:
        return f"the task's records could not be updated: {error.message} ({error.where})"
    return ""


def add_related(manifest: Manifest, keys: Iterable[str]) -> bool:
    """Adds the keys to the manifest's related tasks; whether it changed."""
    before = manifest.get("related", [])
    known = [str(key) for key in before] if isinstance(before, list) else []
    new = [key for key in dict.fromkeys(keys) if key not in known and key != manifest["task_key"]]
    if new:
        manifest["related"] = [*known, *new]
    return bool(new)


def link_back(project: ProjectFiles, manifest: Manifest) -> None:
    """Adds this task to each related task. Under the project's lock; after a kill, the next record completes it."""
    related = manifest.get("related", [])
    for name in related if isinstance(related, list) else []:
        key = TaskKey.parse(str(name))
        other = read_manifest(project.task(key))
        if other is not None and other["task_key"] == name and add_related(other, [str(manifest["task_key"])]):
            files.replace_json(project.task(key).manifest, other)
            write_page(project, key, other)


def _record_fix_cycles(task: TaskFiles, manifest: Manifest, news: RunNews) -> list[bytes]:
    """Records the run in the fix cycles; returns the time line's rows about it."""
    accepts = is_accepted(news.run.task_type, news.token, news.event)
    finished = bool(manifest.get("finished_by"))
    prepared = news.event == "prepared"
    what = RunEvent(str(news.run), news.at, prepared, news.fix_cycle, finished, accepts)
    return [
        timeline_row(f"fix-cycle-{row['event']}", str(news.run), news.at, str(row["id"]))
        for row in fix_cycles.record_event(task, what)
        if row["event"] != "run"
    ]


def new_manifest(key: TaskKey, category: str, brief: str, at: str) -> Manifest:
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
    """Updates the count and the newest run of the phase: the manifest does not grow with the task's history."""
    phases = manifest.setdefault("phases", {})
    if not isinstance(phases, dict):
        raise Unreadable("state-unreadable", "phases is not an object", where=str(news.run.task))
    phase = phases.setdefault(news.run.task_type, {"runs": 0, "last_run": "", "last_event": "", "last_at": ""})
    phase["runs"] += 1 if news.event == "prepared" else 0
    phase.update(last_run=str(news.run), last_event=news.event, last_at=news.at)
    manifest["last_run"] = str(news.run)
    manifest["next_step"] = news.next_step
    before = str(manifest.get("finished_by", ""))
    after = finished_by(before, str(news.run), news.run.task_type, news.event, news.token)
    if after != before:
        manifest["finished_by"] = after


def _timeline_row(news: RunNews) -> bytes:
    return timeline_row(news.event, str(news.run), news.at, news.note)


def timeline_row(event: str, run_id: str, at: str, note: str) -> bytes:
    return encode_line({"v": 1, "at": at, "event": event, "run_id": run_id, "note": note})


def try_record(project: ProjectFiles, news: RunNews, *, worktree: str = "") -> str:
    """As `record`, for after a commit point: returns a failure as a warning, because the run itself is complete."""
    try:
        record(project, news, worktree=worktree)
    except OkstraError as error:
        return f"the task's records could not be updated: {error.message} ({error.where})"
    return ""


def related_tasks(
    project: ProjectFiles, key: TaskKey, named: Iterable[str], manifest: Mapping[str, object]
) -> tuple[str, ...]:
    """The keys that were named, whose tasks must exist, and those in the task's manifest whose tasks exist.

    Raises UsageError (`bad-identity`, `not-found`), Unreadable.
    """
    for name in named:
        if name == str(key):
            raise UsageError("bad-identity", f"{name} is the task itself", where="--related-tasks")
        if _manifest_of(project, TaskKey.parse(name)) is None:
            raise UsageError(
                "not-found",
                f"this project has no task {name}",
                where="--related-tasks",
                hint="name tasks of this project, <project-id>:<task-group>:<task-id>",
            )
    known = manifest.get("related", [])
    return tuple(dict.fromkeys((*named, *still_there(project, known if isinstance(known, list) else ()))))


def still_there(project: ProjectFiles, names: Iterable[object]) -> tuple[str, ...]:
    """The tasks that exist and can be read."""
    return tuple(name for name in map(str, names) if _manifest_or_none(project, name) is not None)


def names_for_prompt(project: ProjectFiles, names: Iterable[str]) -> str:
    """The tasks as a prompt lists them: each with its title and its page."""
    parts = []
    for name in names:
        title = str((_manifest_or_none(project, name) or {}).get("title") or "")
        shown = f": {' '.join(title.split())}" if title else ""
        parts.append(f"`{name}`{shown} (`{project.task(TaskKey.parse(name)).page}`)")
    return ", ".join(parts)


def _manifest_or_none(project: ProjectFiles, name: str) -> Manifest | None:
    try:
        return _manifest_of(project, TaskKey.parse(name))
    except OkstraError:
        return None


def _manifest_of(project: ProjectFiles, key: TaskKey) -> Manifest | None:
    manifest = read_manifest(project.task(key))
    return manifest if manifest is not None and manifest["task_key"] == str(key) else None


def title_of(task: TaskFiles) -> str:
    """The title in the task's manifest; empty where there is none, or it can't be read."""
    try:
        return str((read_manifest(task) or {}).get("title") or "")
    except OkstraError:
        return ""
