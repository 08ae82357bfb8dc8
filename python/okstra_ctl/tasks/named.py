"""Tasks, runs and plans by the short names that people type, in the project in which they stand.

A task: its key, `group:id`, `id` where that is unique in the project, or `.` in one of its worktrees. A run: its id, or
a task (its latest run), `TASK/<phase>` (the latest of that phase) or `TASK/<phase>/<number>`; phases have short names
too, `stage-N` among them. A plan: its path, or a task (its newest).
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..errors import OkstraError, UsageError
from ..names import HANDOFF, IMPLEMENTATION, PLANNING, REVIEW, Named, RunId, TaskKey, number_in, slugify_task_segment
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..services import Call, Services
from ..settings.project import find_root
from ..system import files
from .catalog import plan_of_task, task_unknown
from .records import read_manifest

HERE = "."
NEW_GROUP = "tasks"
"""Of a task for which nobody names a group."""
_UNNAMED = "task"
PHASES = {
    "discovery": "requirements-discovery",
    "improvement": "improvement-discovery",
    "analysis": "error-analysis",
    "planning": PLANNING,
    "verification": "final-verification",
    "handoff": HANDOFF,
    "review": REVIEW,
}
_STAGE = "stage-"
_FORMS = "a task is named by its key, by group:id, by its id, or by . in one of its worktrees"


def with_full_names(args: Namespace, short: Iterable[tuple[str, Named]], call: Call) -> None:
    """Replaces these arguments of a command by the full names of what they stand for. Raises as the functions below."""
    for argument, kind in short:
        find, value = _BY_KIND[kind], getattr(args, argument)
        full = [str(find(text, call.start, call.services)) for text in (value if isinstance(value, list) else [value])]
        setattr(args, argument, full if isinstance(value, list) else full[0])


def task_named(text: str, start: str, services: Services) -> TaskKey:
    """Raises UsageError (`bad-identity`, `task-unknown`, `task-ambiguous`)."""
    if text == HERE:
        return _task_here(start, services)
    if text.count(":") >= 2:
        return TaskKey.parse(text)
    project = _project(text, start, services)
    group, _, task_id = text.rpartition(":")
    found = list(_tasks(project, group, task_id))
    if len(found) > 1:
        keys = ", ".join(map(str, found[:5]))
        raise UsageError("task-ambiguous", f"{text!r} names {len(found)} tasks: {keys}", hint="name one by its key")
    if not found:
        raise task_unknown(TaskKey("", group, task_id), start, services, named=text)
    return found[0]


def short_name(key: TaskKey, start: str, services: Services) -> str:
    """What a person in that folder can type for the task: its id where that is enough, else its key."""
    root = find_root(start, services)
    alone = root is not None and list(_tasks(ProjectFiles(root), "", key.task_id)) == [key]
    return key.task_id if alone else str(key)


def typed_next(key: TaskKey, root: str, step: str, start: str, services: Services) -> str:
    """The task's next step as a person in the folder `start` types it: `okstra next KEY` in the task's project, at
    `root`; elsewhere `step`, the whole command, which `okstra next` shows and the JSON has."""
    here = find_root(start, services)
    if not step or here is None or os.path.realpath(here) != os.path.realpath(root):
        return step
    return okstra_command("next", short_name(key, start, services))


def run_id_named(text: str, start: str, services: Services) -> RunId:
    """Raises as `task_named`, and UsageError (`not-found`) when the task has no such run."""
    try:
        return RunId.parse(text)
    except OkstraError:
        name, *rest = text.split("/")
    if len(rest) > 2:
        raise UsageError("bad-identity", f"{text!r} is neither a run's id nor a short name of one", hint=_run_forms())
    key = task_named(name, start, services)
    project = ProjectFiles(_root_of(key, start, services))
    if not rest:
        last = str((read_manifest(project.task(key)) or {}).get("last_run") or "")
        if not last:
            raise UsageError("not-found", f"{key} has no run yet", where=project.task(key).root)
        return RunId.parse(last)
    task_type, stage = _phase(rest[0], text)
    if len(rest) == 2:
        number = number_in(rest[1])
        if not number:
            raise UsageError("bad-identity", f"{rest[1]!r} is not a run's number", where=text, hint=_run_forms())
        return RunId(key, task_type, stage, number)
    newest = max(_numbers(project, key, task_type, stage), default=0)
    if not newest:
        raise UsageError("not-found", f"{key} has no run of {rest[0]}", where=project.task(key).root)
    return RunId(key, task_type, stage, newest)


def plan_named(text: str, start: str, services: Services) -> str:
    """The path of the task's newest plan. Raises as `task_named`, and UsageError (`not-found`)."""
    return plan_of_task(str(task_named(text, start, services)), start, services)


def _place_named(text: str, start: str, services: Services) -> str:
    """A task, or one of its stages: `TASK#stage-N`."""
    task, mark, stage = text.partition("#")
    return f"{task_named(task, start, services)}{mark}{stage}"


def _run_or_task_named(text: str, start: str, services: Services) -> str:
    return str((run_id_named if "/" in text else task_named)(text, start, services))


_BY_KIND: Mapping[Named, Callable[[str, str, Services], object]] = {
    Named.TASK: task_named,
    Named.TASK_OR_STAGE: _place_named,
    Named.RUN: run_id_named,
    Named.RUN_OR_TASK: _run_or_task_named,
    Named.PLAN: plan_named,
}


def new_key(project: ProjectFiles, project_id: str, group: str, request: str) -> TaskKey:
    """A key for a task that is asked for in words: the first of them, and a number where that is taken."""
    try:
        stem = slugify_task_segment(" ".join(request.split()[:6]))[:40].rstrip("-._") or _UNNAMED
    except UsageError:  # not a letter in it
        stem = _UNNAMED
    number = 1
    while True:
        key = TaskKey.make(project_id, group, stem if number == 1 else f"{stem}-{number}")
        if not os.path.lexists(project.task(key).root):
            return key
        number += 1


def _task_here(start: str, services: Services) -> TaskKey:
    place, doc = os.path.realpath(start), services.registry.read()
    claims = [(claim.path, task) for task, claim in doc.tasks()]
    claims += [(claim.path, stage.task) for stage, claim in doc.stages()]
    for path, task in claims:
        if place == os.path.realpath(path) or place.startswith(os.path.realpath(path) + os.sep):
            return task
    raise UsageError("task-unknown", "this folder is in no worktree of a task", where=start, hint=_FORMS)


def _project(text: str, start: str, services: Services) -> ProjectFiles:
    root = find_root(start, services)
    if root is None:
        hint = "name it by its key, <project-id>:<task-group>:<task-id>, or go to its project"
        raise UsageError("bad-identity", f"{text!r} is not a task key, and this is no project", where=start, hint=hint)
    return ProjectFiles(root)


def _tasks(project: ProjectFiles, group: str, task_id: str) -> Iterator[TaskKey]:
    """The project's tasks of that id (and group, unless empty), by their manifests."""
    try:
        wanted = slugify_task_segment(group) if group else "", slugify_task_segment(task_id)
    except OkstraError:
        return
    for place in files.names_in(project.tasks_dir):
        path = os.path.join(project.tasks_dir, place, wanted[1], "task-manifest.json")
        if (group and place != wanted[0]) or not os.path.isfile(path):
            continue
        try:
            yield TaskKey.parse(str((files.read_json(path) or {}).get("task_key")))
        except OkstraError:  # damaged: other commands report it
            continue


def _root_of(key: TaskKey, start: str, services: Services) -> str:
    claim = services.registry.read().task(key)
    if claim is not None and os.path.isdir(claim.project_root):
        return claim.project_root
    return _project(str(key), start, services).root


def _phase(text: str, whole: str) -> tuple[str, int | None]:
    stage = number_in(text.removeprefix(_STAGE)) if text.startswith(_STAGE) else None
    if stage:
        return IMPLEMENTATION, stage
    if text in PHASES or text in PHASES.values():
        return PHASES.get(text, text), None
    raise UsageError("bad-identity", f"{text!r} is no phase", where=whole, hint=_run_forms())


def _run_forms() -> str:
    return f"TASK, TASK/PHASE or TASK/PHASE/NUMBER, with one of {', '.join(PHASES)}, stage-N"


def _numbers(project: ProjectFiles, key: TaskKey, task_type: str, stage: int | None) -> Iterator[int]:
    folder = os.path.join(project.task(key).run_dir(task_type, stage), "manifests")
    for name in files.names_in(folder):
        if name.startswith("run-manifest-") and name.endswith(".json"):
            yield number_in(name.removesuffix(".json").rpartition("-")[2]) or 0
