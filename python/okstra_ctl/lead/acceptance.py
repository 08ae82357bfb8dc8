"""The project's own checks (`qaCommands`), run in the task's worktree at a known commit, with their logs."""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import git
from ..errors import UsageError
from ..results.findings import Gate
from ..settings.project_config import project_config
from ..settings.trust import require_trusted
from ..system import files as fsio
from ..system.secret_files import hide_in_log
from .checking import run_check
from .context import Scene

SCHEMA = "qa/1"


class CheckRun(NamedTuple):
    command: str
    exit: int
    commit: str
    log: str


def run_checks(scene: Scene) -> tuple[CheckRun, ...]:
    """Runs every command, also after a red one; what was run at this very commit is not run again."""
    commit = (git.resolve(scene.folder, "HEAD") or "") if git.discover(scene.folder) else ""
    commands = _commands(scene)
    known = _recorded(scene)
    if known and all(run.commit == commit for run in known) and [run.command for run in known] == list(commands):
        return known
    runs = []
    for number, command in enumerate(commands, 1):
        log_path = scene.files.log(f"qa-{number}")
        status = run_check(scene, command, f"qa-{number}")
        hide_in_log(log_path)
        runs.append(CheckRun(command, status, commit, log_path))
    document = {"schema": SCHEMA, "run_id": str(scene.id), "checks": [run._asdict() for run in runs]}
    fsio.replace_json(scene.files.qa, document)
    scene.tell("checks-run", checks=len(runs), red=sum(run.exit != 0 for run in runs))
    return tuple(runs)


def gate_of(runs: tuple[CheckRun, ...]) -> tuple[Gate, str]:
    red = [f"`{run.command}` exit {run.exit}" for run in runs if run.exit != 0]
    if red:
        return Gate.FAILED, "; ".join(red)
    return Gate.PASSED, "" if runs else "project.json names no qaCommands: nothing was run"


def commit_of(runs: tuple[CheckRun, ...]) -> str:
    return runs[0].commit if runs else ""


def rows_of(runs: tuple[CheckRun, ...]) -> tuple[dict[str, str], ...]:
    return tuple(
        {"what": run.command, "how": f"run by okstra, log {run.log}", "result": f"exit {run.exit}"} for run in runs
    )


def _commands(scene: Scene) -> tuple[str, ...]:
    path = scene.run.project.config
    config = project_config(fsio.read_json(path), where=path, environment=scene.doors.environment)
    require_trusted(scene.run.project.root, config.commands, scene.doors)  # a worker may have edited them by now
    return config.qa_commands


def _recorded(scene: Scene) -> tuple[CheckRun, ...]:
    document: dict[str, Any] = fsio.read_json(scene.files.qa, SCHEMA) or {}
    try:
        return tuple(CheckRun(**row) for row in document.get("checks", []))
    except TypeError as error:
        raise UsageError("bad-config", f"the record of checks can't be read: {error}", where=scene.files.qa) from error
