"""Approvals of plans: who approved which stages, when and from where.

An approval is of a plan's Stage Map, named by its digest: prose may change afterwards, stages may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..status import Word

VERSION = 1


class Where(Word):
    """From where a plan was approved. `earlier`: before okstra recorded approvals; the plan's runs show that it was."""

    TERMINAL = "terminal"
    SESSION = "session"
    SCRIPT = "script"
    EARLIER = "earlier"


class PlanPlace(NamedTuple):
    """Identifies a plan: the project and the task (`<group>/<id>`) by their folders, the plan by its file's name."""

    project: str
    task: str
    name: str


class Approval(NamedTuple):
    """One row of `approvals.jsonl`. `person` is who git says works here; empty when nobody knows."""

    digest: str
    task: str
    plan: str
    person: str
    at: str
    where: str

    def to_json(self) -> dict[str, object]:
        return {"v": VERSION, **self._asdict()}

    @property
    def summary(self) -> str:
        """For people: who approved it, when and from where."""

        return f"{self.person or 'somebody'}, {self.at}, {self.where}"


def approvals_in(rows: Iterable[Mapping[str, object]]) -> list[Approval]:
    """The rows of this version, oldest first; a malformed row approves nothing."""
    return [
        Approval(**{name: str(row[name]) for name in Approval._fields})
        for row in rows
        if row.get("v") == VERSION and all(isinstance(row.get(name), str) for name in Approval._fields)
    ]


def is_newer(row: Mapping[str, object]) -> bool:
    """Whether a newer version of okstra wrote the row."""
    version = row.get("v")
    return isinstance(version, int) and version > VERSION


def newest_of(approvals: Iterable[Approval], place: PlanPlace) -> Approval | None:
    """The plan's last approval: earlier ones no longer count."""
    found = None
    for one in approvals:
        if (one.task, one.plan) == (place.task, place.name):
            found = one
    return found
