"""Opens a run's HTML report, or its folder, in what $BROWSER names or the system has for it; prints where it is."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import OkstraError, UsageError
from ..names import RunId, StageKey, TaskKey
from ..output import Reply
from ..paths import RunFiles
from ..runs.find import find_run
from ..services import Call, Services
from .history import find_task, history_of


class Place(NamedTuple):
    """`kind` is `report`, `run-folder` or `task-folder`."""

    kind: str
    path: str


def place_of(text: str, start: str, services: Services) -> Place:
    """The newest HTML report of what is named, else its folder. Raises UsageError (`bad-identity`, `not-found`)."""
    try:
        RunId.parse(text)
    except OkstraError:
        return _of_task(TaskKey.parse(text), start, services)
    files = find_run(text, start, services).files
    return _report(files) or Place("run-folder", files.dir)


def program(path: str, environment: Mapping[str, str]) -> list[str]:
    """The command that shows a file or folder: $BROWSER, else what the system has for it. Empty: there is none."""

    system = "open" if sys.platform == "darwin" else "xdg-open"
    for text in (*environment.get("BROWSER", "").split(os.pathsep), system):
        try:
            words = shlex.split(text)
        except ValueError:
            continue
        if words and shutil.which(words[0], path=environment.get("PATH")):
            return [word.replace("%s", path) for word in words] if "%s" in text else [*words, path]
    return []


def _of_task(key: TaskKey, start: str, services: Services) -> Place:
    """Its runs are gone through by when they were prepared, the newest first."""
    task = find_task(key, start, services)
    for run in reversed(history_of(key, start, services).runs):
        report = _report(task.run_of(RunId.parse(run.run_id)))
        if report is not None:
            return report
    return Place("task-folder", task.root)


def _report(files: RunFiles) -> Place | None:
    return Place("report", files.report_html) if os.path.isfile(files.report_html) else None


def configure(parser: ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group(required=True)
    meaning = "a run's id, or a task's key: its newest report"
    group.add_argument("what", metavar="RUN|TASK", nargs="?", default=SUPPRESS, help=meaning)
    group.add_argument("--task-key", dest="what", metavar="KEY", default="", help="the task, as a flag")
    parser.add_argument("--editor", action="store_true", help="the worktree, in what $VISUAL or $EDITOR names")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print the path, open nothing")


def execute(args: Namespace, call: Call) -> Reply:
    if args.editor:
        return _edit(args, call)
    place = place_of(args.what, call.start, call.services)
    asked = not args.only_print and not getattr(args, "json", False) and sys.stdout.isatty()
    argv = program(place.path, call.services.environment) if asked else []
    if argv:
        from ..system import processes as proc

        proc.start_detached(argv)
    talk = ["there is nothing to open it with: set BROWSER"] if asked and not argv else []
    return Reply({**place._asdict(), "opened_with": argv[0] if argv else ""}, place.path, talk)


def _edit(args: Namespace, call: Call) -> Reply:
    """Becomes the editor at a terminal; elsewhere it only prints where the worktree is. Raises UsageError (`not-found`,
    `input-missing`)."""
    path, environment = _worktree(args.what, call), _with_ports(args.what, call)
    if not args.only_print and not getattr(args, "json", False) and sys.stdout.isatty():
        from ..system import processes

        processes.become([*_editor(environment, path), path], environment, path)
    return Reply({"kind": "worktree", "path": path, "opened_with": ""}, path)


def _editor(environment: Mapping[str, str], path: str) -> list[str]:
    try:
        words = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "")
    except ValueError:
        words = []
    if not words:
        raise UsageError("input-missing", "no editor is set", where=path, hint="set VISUAL or EDITOR, e.g. to vim")
    return words


def _worktree(text: str, call: Call) -> str:
    from .cd import require_worktree

    return require_worktree(*_task_and_stage(text), call.services).path


def _with_ports(text: str, call: Call) -> Mapping[str, str]:
    from ..worktrees.ports import known_variables

    key, stage = _task_and_stage(text)
    place = StageKey(key, stage) if stage is not None else key
    return {**call.services.environment, **known_variables(str(place), call.services)}


def _task_and_stage(text: str) -> tuple[TaskKey, int | None]:
    try:
        run = RunId.parse(text)
    except OkstraError:
        return TaskKey.parse(text), None
    return run.task, run.stage
