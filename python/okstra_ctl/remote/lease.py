"""Since when this home has seen claims as they are (`lease_rules.py`): a file in the home beside each remote's side
repository, `claim-watch/1`. Looking is cheap, and has to happen before a lease can be over: every read under a lease
looks."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ..errors import OkstraError
from ..system import files
from ..system.locks import LockKind, locked
from ..system.process_identity import this_process
from .exchange import Exchange, Seen
from .lease_rules import Moment, Sighting, Sightings, watch
from .shared_task import Watched

SCHEMA = "claim-watch/1"


def now() -> Moment:
    return Moment(this_process().boot_id, time.monotonic())


def look(exchange: Exchange, seen: Seen, at: Moment | None = None) -> Sightings:
    """Notes what was just read, and returns since when each claim is so. Raises WorkFailed, Busy."""
    at = at or now()
    path = exchange.side.watched
    with locked(LockKind.INDEX, f"{path}.lock"):
        document = _read(path)
        sightings = watch(seen.task, _sightings(document.get(exchange.ref)), at)
        document[exchange.ref] = {name: _entry(one) for name, one in sightings.items()}
        kept = {ref: entries for ref, entries in document.items() if entries}
        files.replace_json(path, {"schema": SCHEMA, "refs": kept})
    return sightings


def _read(path: str) -> dict[str, object]:
    """A damaged file is as none: the watch begins anew, and takes longer."""
    try:
        document = files.read_json(path, SCHEMA) or {}
    except OkstraError:
        return {}
    refs = document.get("refs")
    return dict(refs) if isinstance(refs, dict) else {}


def _entry(one: Sighting) -> dict[str, object]:
    return {**one.claim._asdict(), "boot_id": one.since.boot_id, "seconds": round(one.since.seconds, 3)}


def _sightings(entries: object) -> Sightings:
    if not isinstance(entries, Mapping):
        return {}
    found = {name: _sighting(entry) for name, entry in entries.items() if isinstance(entry, Mapping)}
    return {name: one for name, one in found.items() if one is not None}


def _sighting(entry: Mapping[str, object]) -> Sighting | None:
    epoch, token, beat = entry.get("epoch"), entry.get("token"), entry.get("beat")
    boot, seconds = entry.get("boot_id"), entry.get("seconds")
    if not (isinstance(epoch, int) and isinstance(token, str) and isinstance(beat, int)):
        return None
    if not (isinstance(boot, str) and isinstance(seconds, (int, float))):
        return None
    return Sighting(Watched(epoch, token, beat), Moment(boot, float(seconds)))
