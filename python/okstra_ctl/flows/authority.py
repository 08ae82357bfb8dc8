"""A worker changes nothing that okstra keeps: it is refused every command that would.

A worker is known by its mark, and by the warden among the processes above it: taking the mark off does not help.
What leaves its warden's family altogether (a service that ran before) is not seen; `docs/design/threats.md`.
"""

from __future__ import annotations

from ..agents import worker_mark
from ..edges import ancestry
from ..words.errors import Refused
from .doors import Doors


def require_no_worker(command: str, doors: Doors) -> None:
    """Raises Refused (`worker-may-not`) when it is called from inside a worker, a check or a set-up command."""
    home = doors.home.root
    marked = worker_mark.is_marked(doors.environment, home)
    if not marked and not any(worker_mark.is_supervisor(one.words, home) for one in ancestry.processes_above()):
        return
    run = doors.environment.get(worker_mark.RUN_VARIABLE, "") if marked else ""
    raise Refused(
        "worker-may-not",
        f"`okstra {command}` changes what okstra keeps, and this is inside a worker" + (f" of {run}" if run else ""),
        where=home,
        hint=f"leave `okstra {command}` to the run's lead, or to the person; write in your result what is needed",
    )
