"""Private git folders of executors whose okstra was killed, and those that could not be taken home."""

from __future__ import annotations

from collections.abc import Iterator

from ..quarantine import recover
from ..quarantine.record import Quarantine
from ..services import Services
from .orphans import ALREADY_DONE, Finding, Kind


def quarantines_left(services: Services) -> Iterator[Finding]:
    for one in recover.abandoned(services.home):
        yield _left(one, services)
    for one in recover.refused(services.home):
        what = f"{one.refused}; what the worker left stays in {one.folder}"
        yield Finding(Kind.QUARANTINE, one.run_id, what, "look at it; nothing else waits for it", notice=True)


def _left(one: Quarantine, services: Services) -> Finding:
    def take() -> str:
        if one not in recover.abandoned(services.home):
            return ALREADY_DONE
        return "; ".join(recover.taken_home(one)) or "nothing was committed in it: removed"

    what = f"{one.worker} worked in a git folder of its own when its okstra was killed"
    return Finding(Kind.QUARANTINE, one.run_id, what, "okstra reconcile --apply, or okstra resume", take)
