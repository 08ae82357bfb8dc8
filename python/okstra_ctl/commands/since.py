"""`--since`: how long ago (`90m`, `3h`, `2d`, `1w`) or from which day or time on."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import UsageError

_DIGITS = frozenset("0123456789")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_DAY = "0000-00-00"
_POINTS = (_DAY, *(f"{_DAY}T{time}{zone}" for time in ("00:00", "00:00:00") for zone in ("", "Z")))  # a 0 is any digit


class Since(NamedTuple):
    """Either a point in time, as okstra writes them, or so many seconds ago."""

    point: str
    seconds_ago: int


def parse_since(text: str) -> Since:
    """Raises UsageError (`usage`)."""
    if "".join("0" if char in _DIGITS else char for char in text) in _POINTS:
        return Since(text.removesuffix("Z"), 0)
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not 1 <= len(number) <= 6 or not _DIGITS.issuperset(number):
        raise UsageError("usage", f"--since is {text!r}", hint="write 90m, 3h, 2d, 1w, or a day like 2026-11-23")
    return Since("", int(number) * _SECONDS[unit])
