"""A worker may not change okstra's state: every command that would is refused.

A worker is recognised by marks in its environment, and by the supervisor among its parent processes: removing the marks
does not help. A worker may try okstra out in a home of its own, but not on the projects of the home that it works for.
A process that is no descendant of the supervisor (a service that ran before) is not recognised;
`docs/design/threats.md`.
"""

from __future__ import annotations

import os

from .agents.environment import RUN_VARIABLE, homes_named
from .claims.registry import Registry
from .errors import Refused
from .home_paths import HomePaths
from .services import Services
from .system.owner import ancestors


def require_no_worker(command: str, services: Services) -> None:
    """Raises Refused (`worker-may-not`) when called from inside a worker, a check or a set-up command.

    With another home than the worker's, the command is refused if that home has worktrees of the same projects, as a
    copy has. Raises Unreadable when its registry can't be read.
    """
    lines = (above.words for above in ancestors())
    homes = homes_named(services.environment, lines)
    own = os.path.realpath(services.home.root)
    if not any(home == own or _projects_in(home) & _projects_in(own) for home in homes):
        return
    run = services.environment.get(RUN_VARIABLE, "")
    raise Refused(
        "worker-may-not",
        f"`okstra {command}` changes what okstra keeps, and this is inside a worker" + (f" of {run}" if run else ""),
        where=services.home.root,
        hint=f"leave `okstra {command}` to the run's lead, or to the person; write in your result what is needed",
    )


def _projects_in(home: str) -> set[str]:
    """The root folders of the projects that a home has worktrees of."""
    claims = Registry(HomePaths(home)).read().claims()
    return {os.path.realpath(root) for root, _ in claims if root}
