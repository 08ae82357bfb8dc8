"""Which runs the board shows: those in work, what runs first."""

from __future__ import annotations

from typing import TypeVar

from ...words.hints import Iterable, Protocol
from ...words.records import Record
from ...words.statuses import RunStatus
from ..next_steps import OPEN

MOST_RUNS, MOST_ENDED = 60, 8
_AGAIN = (RunStatus.FAILED, RunStatus.CONTRACT_VIOLATED)
_ORDER = {str(status): place for place, status in enumerate(dict.fromkeys((RunStatus.RUNNING, *OPEN)))}


class Told(Protocol):
    """A row of the listing of runs."""

    @property
    def run_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def at(self) -> str: ...


Row = TypeVar("Row", bound=Told)


class Place(Record):
    """A run's phase (and stage), and its number there, so that a later one is greater."""

    phase: str
    number: tuple[int, str]


def urgency(status: str) -> int:
    """What runs comes first: it is what one watches. Then as `okstra status` has it."""
    return _ORDER.get(status, len(_ORDER))


def choose(rows: Iterable[Row], ended_since: str) -> tuple[list[Row], int, list[Row]]:
    """The open runs to show, how many more there are, and those that ended since then, the newest first.

    `rows` come oldest first. A run that failed, and has a later one of the same phase and stage, is not in work.
    """
    rows = list(rows)
    newest: dict[str, tuple[int, str]] = {}
    for row in rows:
        phase, number = _place(row.run_id)
        newest[phase] = max(newest.get(phase, number), number)

    def counts(row: Row) -> bool:
        phase, number = _place(row.run_id)
        return row.status not in _AGAIN or number == newest[phase]

    found = [row for row in reversed(rows) if row.status in _ORDER and counts(row)]
    found.sort(key=lambda row: urgency(row.status))
    ended = [row for row in reversed(rows) if row.status not in _ORDER and row.at >= ended_since]
    return found[:MOST_RUNS], max(0, len(found) - MOST_RUNS), ended[:MOST_ENDED]


def _place(run_id: str) -> Place:
    phase, _, number = run_id.rpartition("/")
    return Place(phase, (len(number), number))
