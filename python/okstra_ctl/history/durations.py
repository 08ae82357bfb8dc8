"""How long runs took, from the times that the index keeps of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..status import RunStatus

_TIME = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)Z"
)


class Timed(NamedTuple):
    """One run: under which name it is summed up, its status, and its times; an empty time is not known.

    `last_seen` is when its status was read: for a run that has ended, its end.
    """

    name: str
    status: str
    ended: bool
    prepared: str
    started: str
    last_seen: str


class Spent(NamedTuple):
    """What the runs under one name took, in seconds. Only `counted` ones are in the sum.

    `running` are counted until now; `from_prepared` since they were prepared, for nobody recorded their start;
    `open` have no end yet and nobody at work; of `unknown` ones a time is missing.
    """

    name: str
    runs: int = 0
    counted: int = 0
    seconds: int = 0
    longest: int = 0
    running: int = 0
    from_prepared: int = 0
    open: int = 0
    unknown: int = 0

    @property
    def mean(self) -> int:
        return round(self.seconds / self.counted) if self.counted else 0


def summed_up(runs: Iterable[Timed], now: str) -> list[Spent]:
    """By name, in the names' order."""
    sums: dict[str, Spent] = {}
    for run in runs:
        sums[run.name] = _with(sums.get(run.name, Spent(run.name)), run, now)
    return [sums[name] for name in sorted(sums)]


def total(parts: Iterable[Spent]) -> Spent:
    whole = Spent("total")
    for part in parts:
        added = {name: getattr(whole, name) + getattr(part, name) for name in Spent._fields[1:]}
        whole = whole._replace(**{**added, "longest": max(whole.longest, part.longest)})
    return whole


def _with(spent: Spent, run: Timed, now: str) -> Spent:
    spent = spent._replace(runs=spent.runs + 1)
    running = not run.ended and run.status == RunStatus.RUNNING
    if not run.ended and not running and run.status != RunStatus.COMPLETED:
        return spent._replace(open=spent.open + 1)
    if not run.ended and not running:  # its stage is done, and a kill kept the index from hearing when
        return spent._replace(unknown=spent.unknown + 1)
    took = seconds_between(run.started or run.prepared, now if running else run.last_seen)
    if took is None:
        return spent._replace(unknown=spent.unknown + 1)
    return spent._replace(
        counted=spent.counted + 1,
        seconds=spent.seconds + took,
        longest=max(spent.longest, took),
        running=spent.running + running,
        from_prepared=spent.from_prepared + (not run.started),
    )


def seconds_between(begin: str, end: str) -> int | None:
    """None when one of the times is none, or the end lies before the beginning: a clock was set back."""
    first, last = _seconds(begin), _seconds(end)
    return last - first if first is not None and last is not None and last >= first else None


def _seconds(at: str) -> int | None:
    """Seconds of a time as okstra writes it, from some fixed point on."""
    found = _TIME.fullmatch(at)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    year, month = (year, month) if month > 2 else (year - 1, month + 12)  # the leap day comes last in such a year
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day
    return ((days * 24 + hour) * 60 + minute) * 60 + second
