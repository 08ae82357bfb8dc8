"""A run's request: the brief that is given, the one that the task was started with, or the one in its folder.

A run that investigates or plans needs a request, and so does a new task.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import Unreadable, UsageError
from ..names import TaskKey
from ..paths import ProjectFiles, TaskFiles
from ..plan import store as plans
from ..quoting import okstra_command
from ..runs.request import PrepareInputs
from ..services import Services
from ..settings.phases import NEED_REQUEST
from ..system import files as fsio

_MOST_TITLE = 80


class Brief(NamedTuple):
    """Both are empty if there is none. `is_new`: it is not on disk yet."""

    path: str = ""
    text: str = ""
    is_new: bool = False


def brief_of(
    inputs: PrepareInputs,
    project: ProjectFiles,
    key: TaskKey,
    manifest: Mapping[str, object] | None,
    services: Services,
) -> Brief:
    """Raises UsageError (`request-missing`, `task-unknown`, `not-found`), Unreadable."""
    task = project.task(key)
    needed = inputs.task_type in NEED_REQUEST
    if inputs.request:
        return _written_down(inputs.request, task, key)
    path = _path(inputs, project.root, task, str((manifest or {}).get("brief", "")))
    if path:
        return Brief(os.path.abspath(path), _read(path, needed=needed))
    if manifest is None and plans.latest(task) is None and (inputs.by_key or not needed):
        from .known import task_unknown

        more = "a new task needs its request: --task-brief FILE, or --request TEXT"
        raise task_unknown(key, project.root, services, more=more)
    if needed:
        raise _missing("there is no request", str(key), okstra_command("brief", "new", "--task-key", key))
    return Brief()


def _path(inputs: PrepareInputs, root: str, task: TaskFiles, known: str) -> str:
    if inputs.brief_path:
        return os.path.join(os.getcwd(), inputs.brief_path)
    if known:
        return os.path.join(root, known)
    return task.brief if os.path.lexists(task.brief) else ""


def _read(path: str, *, needed: bool) -> str:
    """The brief without its secrets. Raises UsageError (`not-found`, `request-missing`)."""
    try:
        data = fsio.read_bytes(path)
    except Unreadable as error:
        if needed:
            raise _missing(f"the brief: {error.message}", path, "") from error
        raise
    if data is None:
        raise UsageError("not-found", f"there is no brief {path}", where="--task-brief", hint=_EITHER)
    if needed and not data.strip():
        raise _missing("the brief is empty", path, "")
    if needed and not _is_text(data):
        raise _missing("the brief is not UTF-8 text", path, "")
    from ..system.secrets import hide
    from .brief import asks_for_something  # slow to import, as is what follows

    text = data.decode("utf-8-sig", "replace")
    if needed and not asks_for_something(text):
        raise _missing("the brief has no words: nothing but frontmatter, comments and marks", path, "")
    return hide(text)[0]


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _written_down(text: str, task: TaskFiles, key: TaskKey) -> Brief:
    """The text of `--request` as the task's own brief. An existing brief is not replaced."""
    from ..system.secrets import hide
    from .brief import asks_for_something

    if not asks_for_something(text):
        raise _missing("--request has no words" if text.strip() else "--request is empty", str(key), "")
    said = hide(text.strip())[0]
    title = " ".join(said.split("\n", 1)[0].split())[:_MOST_TITLE]
    written = f"# {title}\n\n{said}\n"
    found = fsio.read_bytes(task.brief)
    if found is not None and found.decode("utf-8", "replace") != written:
        hint = "leave --request out, or edit that file"
        raise UsageError("usage", "the task has a brief already; it was not touched", where=task.brief, hint=hint)
    return Brief(task.brief, written, is_new=found is None)


_EITHER = "name a text file that says what is wanted: --task-brief FILE, or --request TEXT"


def _missing(reason: str, where: str, command: str) -> UsageError:
    hint = _EITHER + (f"; {command} --title TITLE makes one" if command else "")
    return UsageError("request-missing", f"{reason}: nothing was prepared", where=where, hint=hint)
