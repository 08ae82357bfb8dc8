"""`--since`: how long ago (`90m`, `3h`, `2d`, `1w`) or from which day or time on."""

from __future__ import annotations

import re

from ..words.errors import UsageError
from ..words.records import Record

_AGO = re.compile(r"([0-9]{1,6})([mhdw])$")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_POINT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?$")


class Since(Record):
    """Either a point in time, as okstra writes them, or so many seconds ago."""

    point: str
    seconds_ago: int


def parse_since(text: str) -> Since:
    """Raises UsageError (`usage`)."""
    if _POINT.match(text):
        return Since(text.removesuffix("Z"), 0)
    found = _AGO.match(text)
    if found is None:
        raise UsageError("usage", f"--since is {text!r}", hint="write 90m, 3h, 2d, 1w, or a day like 2026-11-23")
    return Since("", int(found[1]) * _SECONDS[found[2]])
