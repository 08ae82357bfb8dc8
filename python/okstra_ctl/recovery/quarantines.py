"""Private git folders of executors whose okstra was killed, and those that could not be taken home."""

from __future__ import annotations

from collections.abc import Iterator

from ..quarantine import recover
from ..quarantine.record import Quarantine
from ..quarantine.refused import LeftBehind, left_behind
from ..services import Services
from ..system.disk_use import show_size
from .orphans import ALREADY_DONE, Finding, Kind


def quarantines_left(services: Services) -> Iterator[Finding]:
    for one in recover.abandoned(services.home):
        yield _left(one, services)
    for kept in left_behind(services.home):
        what = f"{kept.why}; what the worker left stays in {kept.folder} ({show_size(kept.size)})"
        yield Finding(Kind.QUARANTINE, kept.run_id, what, _way_to_look(kept), notice=True)


def _way_to_look(kept: LeftBehind) -> str:
    if not kept.looks:
        return "no commit in it can be read; nothing else waits for it"
    more = f" (and {len(kept.looks) - 1} more)" if len(kept.looks) > 1 else ""
    return f"look at its commits{more}: {kept.looks[0]}"


def _left(one: Quarantine, services: Services) -> Finding:
    def take() -> str:
        if one not in recover.abandoned(services.home):
            return ALREADY_DONE
        return "; ".join(recover.taken_home(one)) or "nothing was committed in it: removed"

    what = f"{one.worker} worked in a git folder of its own when its okstra was killed"
    return Finding(Kind.QUARANTINE, one.run_id, what, "okstra reconcile --apply, or okstra resume", take)
