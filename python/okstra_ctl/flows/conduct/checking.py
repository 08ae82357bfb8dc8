"""Running a command of the project's as part of a led run: like a worker, it ends with the run, however that ends."""

from __future__ import annotations

import uuid

from ...agents.held_command import TIMED_OUT, run_held
from ...edges import fsio, git
from .scene import Scene


def run_check(scene: Scene, command: str, name: str) -> int:
    """The command's exit status, its output in the log of that name. Raises Interrupted, WorkFailed."""
    log = scene.files.log(name)
    fsio.open_log(log, anew=True).close()
    token = uuid.uuid4().hex
    scene.tell("check-started", command=["sh", "-c", command], token=token)
    status = run_held(
        command,
        name=name,
        folder=scene.folder,
        log=log,
        token=token,
        limit=scene.settings.hard_limit,
        environment=git.users_environment(),
        stop=scene.stop,
    )
    late = f" (stopped after {scene.settings.hard_limit:.0f} s)" if status == TIMED_OUT else ""
    scene.say(f"check `{command}`: exit {status}{late}")
    return status
