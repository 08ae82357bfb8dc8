"""Which runs the board shows: those in work, what runs first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from ..next_steps import OPEN, Listed, overtaken
from ..status import RunStatus

MOST_RUNS, MOST_ENDED = 60, 8
_ORDER = {str(status): place for place, status in enumerate(dict.fromkeys((RunStatus.RUNNING, *OPEN)))}


class Dated(Listed, Protocol):
    """A row of the listing of runs, and when it was last heard of."""

    @property
    def at(self) -> str: ...


Row = TypeVar("Row", bound=Dated)


def urgency(status: str) -> int:
    """What runs comes first: it is what one watches. Then as `okstra status` has it."""
    return _ORDER.get(status, len(_ORDER))


def choose(rows: Iterable[Row], ended_since: str) -> tuple[list[Row], int, list[Row]]:
    """The open runs to show, how many more there are, and those that ended since then, the newest first.

    `rows` come oldest first. A run that was overtaken by a later one of its phase and stage is not in work.
    """
    rows = list(rows)
    past = overtaken(rows)
    found = [row for row in reversed(rows) if row.status in _ORDER and row.run_id not in past]
    found.sort(key=lambda row: urgency(row.status))
    ended = [row for row in reversed(rows) if row.status not in _ORDER and row.at >= ended_since]
    return found[:MOST_RUNS], max(0, len(found) - MOST_RUNS), ended[:MOST_ENDED]
