"""Running a command as part of a led run: like a worker, it ends with the run, however that ends."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from ...agents.held_command import TIMED_OUT, Held, run_held
from ...edges import fsio, git
from .scene import Scene


def run_check(scene: Scene, command: str, name: str) -> int:
    """The exit status of a shell command of the project's, its output in the log of that name.

    Raises Interrupted, WorkFailed.
    """
    status = run_command(scene, ("sh", "-c", command), name, event="check-started").status
    late = f" (stopped after {scene.settings.hard_limit:.0f} s)" if status == TIMED_OUT else ""
    scene.say(f"check `{command}`: exit {status}{late}")
    return status


def run_command(scene: Scene, argv: Sequence[str], name: str, *, event: str) -> Held:
    """Tells the event, with the token that its processes carry, then runs it. Raises Interrupted, WorkFailed."""
    log = scene.files.log(name)
    fsio.open_log(log, anew=True).close()
    token = uuid.uuid4().hex
    scene.tell(event, command=list(argv), token=token)
    return run_held(
        argv,
        name=name,
        folder=scene.folder,
        log=log,
        token=token,
        limit=scene.settings.hard_limit,
        environment=git.users_environment(),
        stop=scene.stop,
    )
