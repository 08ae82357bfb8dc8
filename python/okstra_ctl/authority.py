"""A worker changes nothing that okstra keeps: it is refused every command that would.

A worker is known by its mark, and by the supervisor among the processes above it: taking the mark off does not help.
A home of its own, where it may try okstra out, gives it no say over the projects of the home that it works for.
What leaves its supervisor's family altogether (a service that ran before) is not seen; `docs/design/threats.md`.
"""

from __future__ import annotations

import os

from .agents.environment import RUN_VARIABLE, homes_named
from .claims.registry import Registry
from .errors import Refused
from .home_paths import HomePaths
from .services import Services
from .system import ancestry


def require_no_worker(command: str, services: Services) -> None:
    """Raises Refused (`worker-may-not`) when it is called from inside a worker, a check or a set-up command.

    In another home than the worker's it is refused where that home has worktrees of the same projects, as a copy has.
    Raises Unreadable for a registry that can't be read then.
    """
    lines = (above.words for above in ancestry.ancestors())
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
    """The folders of the projects that a home has worktrees of."""
    claims = Registry(HomePaths(home)).read().claims()
    return {os.path.realpath(root) for root, _ in claims if root}
