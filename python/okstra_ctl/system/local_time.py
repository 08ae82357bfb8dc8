"""Times for people: in their own zone, which is named. Records and JSON keep UTC."""

from __future__ import annotations

from datetime import datetime, timezone


def local_time(at: str, *, zone: bool = False) -> str:
    """A time of the records in this machine's zone, without seconds, with the zone's name if asked for; what is no time
    stays as it is."""
    try:
        known = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).astimezone()
    except (ValueError, OverflowError, OSError):
        return at
    return known.strftime("%Y-%m-%d %H:%M %Z" if zone else "%Y-%m-%d %H:%M").rstrip()
