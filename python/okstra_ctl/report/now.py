"""Where a task stands when one of its reports is rendered again: what was approved, built and merged since.

A report's data say how its run ended, and stay as they are. What came after is not in them: it is looked up when the
pages are rendered, and kept in the run's `rendering` event, so that the same pages can be made again to compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..status import Word


class PlanNow(Word):
    APPROVED = "approved"
    NOT_APPROVED = "not-approved"
    REPLACED = "replaced"
    """There is a newer plan."""
    NONE = ""


class TaskNow(Word):
    OPEN = "open"
    ACCEPTED = "accepted"
    HANDED_OFF = "handed-off"
    DROPPED = "dropped"


class Now(NamedTuple):
    """`stage` is the status of the run's own stage; `next` the command by which the task goes on, empty when nothing is
    left of it."""

    at: str
    task: str
    plan: str = PlanNow.NONE
    stages: int = 0
    done: int = 0
    merged: int = 0
    stage: str = ""
    next: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: str(value) if isinstance(value, str) else value for name, value in self._asdict().items()}


def now_of(rows: Sequence[Mapping[str, Any]]) -> Now | None:
    """The state that the pages were last rendered with; None when they were written at the run's end."""
    kept = next((row.get("now") for row in reversed(rows) if row.get("event") == "rendering"), None)
    return Now(**{name: kept[name] for name in Now._fields if name in kept}) if isinstance(kept, Mapping) else None


def asks_approval(verdict: Mapping[str, Any], now: Now | None) -> bool:
    """Whether a person is still asked to approve the plan."""
    return bool(verdict["approval_needed"]) and (now is None or now.plan == PlanNow.NOT_APPROVED)


def now_facts(now: Now, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names and values, for people."""

    def word(value: str) -> str:
        return labels.get(f"word_{value}", value)

    yield labels["now_task"], word(now.task)
    if now.plan:
        yield labels["now_plan"], word(now.plan)
    if now.stages:
        yield labels["now_done"], f"{now.done} / {now.stages}"
        yield labels["now_merged"], f"{now.merged} / {now.stages}"
    if now.stage:
        yield labels["now_stage"], word(now.stage)


def date_text(at: str) -> str:
    """A time of the records, as it is shown on a page that is read anywhere: without seconds, in UTC."""
    day, _, rest = at.partition("T")
    return f"{day} {rest[:5]} UTC" if len(rest) >= 5 else at
