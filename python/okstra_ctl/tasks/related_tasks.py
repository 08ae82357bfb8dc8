"""Tasks that belong to one another's subject, as their manifests keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import OkstraError, UsageError
from ..names import TaskKey
from ..paths import ProjectFiles
from .records import Manifest, read_manifest


def related_tasks(
    project: ProjectFiles, key: TaskKey, named: Iterable[str], manifest: Mapping[str, object]
) -> tuple[str, ...]:
    """The keys of the tasks that were named, which must exist, and of those that the task's manifest names and that
    do. Raises UsageError (`bad-identity`, `not-found`), Unreadable."""
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
    """Those of the tasks that exist and can be read."""
    return tuple(name for name in map(str, names) if _softly(project, name) is not None)


def told(project: ProjectFiles, names: Iterable[str]) -> str:
    """The tasks as a prompt names them: each with its title and its page."""
    parts = []
    for name in names:
        title = str((_softly(project, name) or {}).get("title") or "")
        shown = f": {' '.join(title.split())}" if title else ""
        parts.append(f"`{name}`{shown} (`{project.task(TaskKey.parse(name)).page}`)")
    return ", ".join(parts)


def _softly(project: ProjectFiles, name: str) -> Manifest | None:
    try:
        return _manifest_of(project, TaskKey.parse(name))
    except OkstraError:
        return None


def _manifest_of(project: ProjectFiles, key: TaskKey) -> Manifest | None:
    manifest = read_manifest(project.task(key))
    return manifest if manifest is not None and manifest["task_key"] == str(key) else None
