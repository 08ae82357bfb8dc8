"""Running a command as part of a led run: with the phase's limit, and stopped with the run."""

from __future__ import annotations

from collections.abc import Sequence

from ..agents.held_command import TIMED_OUT, Held
from ..runs.commands import CHECK_STARTED, hold_command, in_shell
from .context import Scene


def run_check(scene: Scene, command: str, name: str) -> int:
    """The exit status of a shell command of the project's, its output in the log of that name.

    Raises Interrupted, WorkFailed.
    """
    status = run_command(scene, in_shell(command), name, event=CHECK_STARTED).status
    late = f" (stopped after {scene.settings.hard_limit:.0f} s)" if status == TIMED_OUT else ""
    scene.say(f"check `{command}`: exit {status}{late}")
    return status


def run_command(scene: Scene, argv: Sequence[str], name: str, *, event: str) -> Held:
    """Raises Interrupted, WorkFailed."""
    limit = scene.settings.hard_limit
    return hold_command(scene.run, argv, name, scene.doors, event=event, limit=limit, stop=scene.stop)
