"""Putting findings right, one by one: what can't be put right stops no other."""

from __future__ import annotations

from ...words.errors import OkstraError
from ..doors import Doors
from .findings import Found, Outcome
from .survey import survey


def reconcile(doors: Doors, *, apply: bool) -> list[Outcome]:
    """What is amiss; with `apply`, after all that okstra may put right was put right. Raises Unreadable."""
    return [_settle(found) if apply else Outcome(found) for found in survey(doors)]


def _settle(found: Found) -> Outcome:
    if found.act is None:
        return Outcome(found)
    try:
        return Outcome(found, done=found.act())
    except OkstraError as error:
        return Outcome(found, failed=error.message)
