"""Leases: since when an observer has seen a claim as it is, by the observer's own clock. Clocks of other machines are
not asked.

A lease is opt-in, minutes long, and a holder shows that it lives by raising its claim's `beat` (`shared_task.renew`),
one commit for all that it holds, three times in the length of a lease. An observer that sees the very same claim (its
epoch, token and beat) for a whole lease may take it over. It counts on one boot's monotonic clock: after a
reboot, or while the machine slept, less time has passed for it than for others, and it waits longer, never shorter.

A stage whose holder never gave a sign is not watched: its run was prepared for a person or an agent's session to lead,
and nobody gives signs for them. Where okstra leads a run as soon as it is prepared, the claim is the first sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .shared_task import Claim, SharedTask, Watched

BEATS_IN_A_LEASE = 3
INTEGRATION = "integration"


class Moment(NamedTuple):
    """Now, for this machine: its boot, and the seconds since."""

    boot_id: str
    seconds: float


class Sighting(NamedTuple):
    """A claim as it was seen first, and when."""

    claim: Watched
    since: Moment


Sightings = Mapping[str, Sighting]
"""By stage number, or `integration`."""


def watch(task: SharedTask, known: Sightings, now: Moment) -> dict[str, Sighting]:
    """The sightings after one more look at the task."""
    return {name: _sighting(claim, known.get(name), now) for name, claim in _held(task).items()}


def _sighting(claim: Claim, known: Sighting | None, now: Moment) -> Sighting:
    same = known is not None and known.claim == Watched.of(claim) and known.since.boot_id == now.boot_id
    return (
        known if known is not None and same and known.since.seconds <= now.seconds else Sighting(Watched.of(claim), now)
    )


def lapsed(sighting: Sighting | None, lease: int, now: Moment) -> Watched | None:
    """The claim's state, if it has been watched for a whole lease: what `take_over` asks for."""
    if sighting is None or not lease or sighting.since.boot_id != now.boot_id:
        return None
    return sighting.claim if now.seconds - sighting.since.seconds >= lease else None


def _shows(claim: Claim) -> bool:
    return claim.is_held and claim.beat > 0


def _held(task: SharedTask) -> dict[str, Claim]:
    found = {str(number): stage.claim for number, stage in task.stages.items() if _shows(stage.claim)}
    if task.integration is not None and task.integration.claim.is_held:
        found[INTEGRATION] = task.integration.claim
    return found
