"""The catalogue of a project's tasks, complete even when the file lacks some, is damaged or gone.

It is derived from the tasks' manifests, and so is `latest-task.json`: `okstra reconcile` finds what they lack and
rebuilds both.

An unknown key is an error wherever it is given, and similar keys are suggested.
"""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Iterator, Mapping, Set
from typing import Any

from ..errors import OkstraError, UsageError
from ..index import run_index
from ..names import PLANNING, RunId, TaskKey
from ..paths import ProjectFiles, TaskFiles
from ..plan import plans
from ..quoting import okstra_command
from ..runs.find import roots_of_task
from ..services import Services
from ..settings.project import find_root
from ..system import files
from ..system.locks import LockKind, locked
from .records import LATEST_SCHEMA, Manifest, read_manifest
from .views import CATALOG_SCHEMA, catalog_entry, write_catalog

Entry = dict[str, Any]
_MOST, _LIKE = 3, 0.6


def entries(project: ProjectFiles) -> dict[str, Entry]:
    """Every task by its key, from the catalogue; tasks that it lacks, from their manifests."""
    listed = _listed(project) or {}
    return {**listed, **dict(_of_manifests(project, _folders(project, listed)))}


def catalog_fault(project: ProjectFiles) -> str:
    """How the catalogue or `latest-task.json` differs from the tasks on disk; empty when they match."""
    listed = _listed(project)
    if listed is None:
        return "the task catalogue can't be read"
    made = _made(project, listed)
    wrong = [key for key in {**made, **listed} if made.get(key) != listed.get(key)]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return f"the task catalogue does not match the manifest of {wrong[0]}{more}"
    newest, latest = _newest(made), _latest(project)
    if newest is not None and str((latest or {}).get("at", "")) < newest["at"]:
        return f"latest-task.json does not name {newest['task_key']}"
    return ""


def rebuild(project: ProjectFiles) -> str:
    """Rebuilds both files; returns where a catalogue that could not be read was set aside, or "".

    Raises WorkFailed (`write-failed`), Busy.
    """
    with locked(LockKind.INDEX, project.lock):
        aside, listed = "", _listed(project)
        if listed is None:
            aside = f"{project.task_catalog}.set-aside-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
            _move(project.task_catalog, aside)
        made = _made(project, listed or {})
        write_catalog(project, made)
        newest = _newest(made)
        if newest is not None:
            files.replace_json(project.latest_task, newest)
    return aside


def _made(project: ProjectFiles, listed: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries as they should be. A task whose manifest can't be read keeps its entry, so that no task is hidden."""
    made = dict(_of_manifests(project))
    unread = [key for key in listed if key not in made and _has_manifest(project, key)]
    return {**made, **{key: listed[key] for key in unread}}


def _has_manifest(project: ProjectFiles, key: str) -> bool:
    try:
        return os.path.lexists(project.task(TaskKey.parse(key)).manifest)
    except OkstraError:
        return False


def _listed(project: ProjectFiles) -> dict[str, Entry] | None:
    """The catalogue's entries; none when there is no such file, None when it can't be read."""
    try:
        document = files.read_json(project.task_catalog, CATALOG_SCHEMA)
    except OkstraError:
        return None
    tasks = document.get("tasks") if document is not None else {}
    if not isinstance(tasks, dict):
        return None
    return {key: entry for key, entry in tasks.items() if isinstance(entry, dict)}


def _folders(project: ProjectFiles, listed: Mapping[str, Entry]) -> set[str]:
    found = set()
    for name in listed:
        try:
            found.add(project.task(TaskKey.parse(name)).root)
        except OkstraError:
            continue
    return found


def _of_manifests(project: ProjectFiles, besides: Set[str] = frozenset()) -> Iterator[tuple[str, Entry]]:
    """New entries for tasks in other folders than `besides`. Tasks that were never started have none; unreadable
    manifests are skipped."""
    for group in files.names_in(project.tasks_dir):
        for name in files.names_in(os.path.join(project.tasks_dir, group)):
            root = os.path.join(project.tasks_dir, group, name)
            manifest = None if root in besides else _read(root)
            if manifest is not None and (manifest.get("last_run") or manifest.get("next_step")):
                yield str(manifest["task_key"]), catalog_entry(manifest)


def _read(root: str) -> Manifest | None:
    try:
        return read_manifest(TaskFiles(root))
    except OkstraError:
        return None


def _newest(made: Mapping[str, Entry]) -> dict[str, str] | None:
    """`latest-task.json`, as the entries give it."""
    begun = [(entry["last_at"], key, entry["last_run"]) for key, entry in made.items() if entry["last_run"]]
    if not begun:
        return None
    at, key, run = max(begun)
    return {"schema": LATEST_SCHEMA, "task_key": key, "run_id": run, "at": at}


def _latest(project: ProjectFiles) -> dict[str, object] | None:
    try:
        return files.read_json(project.latest_task, LATEST_SCHEMA)
    except OkstraError:
        return None


def _move(path: str, aside: str) -> None:
    try:
        os.rename(path, aside)
    except OSError as error:
        files.raise_write_failed(aside, error)


def require_task(text: str, start: str, services: Services) -> TaskKey:
    """The key of a task that okstra knows, even if only from the index. Raises UsageError (`bad-identity`,
    `task-unknown`)."""
    key = TaskKey.parse(text)
    for root in roots_of_task(key, start, services):
        if os.path.exists(ProjectFiles(root).task(key).manifest):
            return key
    prefix = f"{key}/"
    if any(row["run_id"].startswith(prefix) for row in run_index.newest_rows(services.home, run_index.EVERYTHING)):
        return key
    raise task_unknown(key, start, services)


def plan_of_task(text: str, start: str, services: Services) -> str:
    """The task's newest plan. Raises as `require_task`, and UsageError (`not-found`)."""
    key = require_task(text, start, services)
    for root in roots_of_task(key, start, services):
        plan = plans.latest(ProjectFiles(root).task(key))
        if plan is not None:
            return plan
    hint = okstra_command("run", "--task-key", key, "--task-type", PLANNING)
    raise UsageError("not-found", f"{key} has no plan", where=str(key), hint=hint)


def task_unknown(key: TaskKey, start: str, services: Services, *, more: str = "", named: str = "") -> UsageError:
    """`more`: what else to try, after the similar keys; `named`: the short name that was given for it."""
    wanted, known = named or str(key), sorted(set(_known_keys(key, start, services)))
    shown = {
        (name.partition(":")[2] if ":" in named else name.rpartition(":")[2]) if named else name: name for name in known
    }
    begun = [name for name in shown if name.startswith(wanted)]  # the first words of a long id
    alike = difflib.get_close_matches(wanted, shown, _MOST, _LIKE)
    near = [shown[name] for name in dict.fromkeys([*begun, *alike])][:_MOST]
    hints = [f"did you mean {' or '.join(near)}?"] if near else []
    hints += [more or f"{okstra_command('list', '--all')} shows the runs, each with its task's key in front"]
    data = {"suggestions": near}
    return UsageError("task-unknown", f"there is no task {wanted}", where=start, hint="; ".join(hints), data=dict(data))


def _known_keys(key: TaskKey, start: str, services: Services) -> Iterator[str]:
    root = find_root(start, services)
    if root is not None:
        yield from entries(ProjectFiles(root))
    for row in run_index.newest_rows(services.home, run_index.EVERYTHING):
        try:
            yield str(RunId.parse(row["run_id"]).task)
        except OkstraError:  # a row that somebody else wrote
            continue
