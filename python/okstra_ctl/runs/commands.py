"""Running a command as part of a run: like a worker, it ends with the process that started it, however that ends.

`check_script` is how bash runs a command of the project: with `pipefail`, but without failing for a SIGPIPE.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .. import git
from ..agents.supervised_process import SupervisedResult, run_supervised
from ..sandbox.choice import Containment
from ..services import Services
from ..system import files, processes
from ..system.shell_lists import Pipeline, pipelines
from . import events
from .find import KnownRun

SHELL = "bash"
_STRICT = "set -o pipefail"
_PIPED = """\
__okstra_piped() {
  local status=0 at=0 one
  for one; do
    at=$((at + 1))
    if [ "$one" -ne 0 ]; then
      if [ "$one" -ne 141 ] || [ "$at" -eq "$#" ]; then status=$one; fi
    fi
  done
  return "$status"
}"""
CHECK_STARTED = "check-started"
A_DAY = 24 * 3600.0  # the limit where there is no other: a person waits, and can stop the command


def run_supervised_command(
    run: KnownRun,
    argv: Sequence[str],
    name: str,
    services: Services,
    *,
    event: str,
    limit: float = A_DAY,
    stop: threading.Event | None = None,
) -> SupervisedResult:
    """Records the event, with the token that its processes carry, then runs a step of the run's own, uncontained, its
    output in the named log. `limit` is in seconds. Raises Interrupted when `stop` was set meanwhile, WorkFailed."""
    log = run.files.log(name)
    files.open_log(log, anew=True).close()
    token = uuid.uuid4().hex
    events.append(run.files, event, services.clock.now(), run_id=str(run.id), command=list(argv), token=token)
    return run_supervised(
        argv,
        name=name,
        folder=run.folder,
        log=log,
        token=token,
        limit=limit,
        environment=git.users_environment(),
        stop=stop or threading.Event(),
        home=services.home.root,
        run_id=str(run.id),
    )


def run_supervised_shell(
    command: str,
    *,
    name: str,
    folder: str,
    log: str,
    services: Services,
    run_id: str,
    keep_open: Sequence[int] = (),
    contained: Containment | None = None,
    limit: float = A_DAY,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Runs a command of the project that sets a worktree up or takes it down. Its output is appended to the log.
    `limit` is in seconds; `variables` are further ones of its environment. Returns its exit status, `TIMED_OUT` beyond
    the limit. Raises WorkFailed when the log can't be written."""
    return run_supervised(
        in_shell(command),
        name=name,
        folder=folder,
        log=log,
        token=uuid.uuid4().hex,
        limit=limit,
        environment={**git.users_environment(), **variables},
        stop=threading.Event(),
        home=services.home.root,
        run_id=run_id,
        keep_open=keep_open,
        containment=contained,
    ).status


def in_shell(command: str) -> tuple[str, ...]:
    """The command line that runs a shell command of the project. Raises Missing (`dependency-missing`) without bash."""
    processes.require(SHELL, git.users_environment())
    return check_argv(command)


def check_argv(command: str) -> tuple[str, ...]:
    """The command line that runs a shell command."""
    return (SHELL, "-c", check_script(command))


def check_script(command: str) -> str:
    """The command as a script for bash (3.2 and newer)."""
    found = pipelines(command)
    if found is None or all(len(one.commands) == 1 for one in found):
        return f"{_STRICT}\n{command}"
    return "\n".join([_STRICT, _PIPED, "".join(map(_script_line, found))])


def _script_line(pipeline: Pipeline) -> str:
    before = "\n" if pipeline.before == ";" else f" {pipeline.before} " if pipeline.before else ""
    words = [pipeline.commands[0]]
    for operator, command in zip(pipeline.operators, pipeline.commands[1:], strict=True):
        words += [operator, command]
    text = " ".join(words)
    if len(pipeline.commands) > 1:
        text = f'{{ {text}\n__okstra_piped "${{PIPESTATUS[@]}}"; }}'
    return f"{before}{'! ' if pipeline.negated else ''}{text}"
