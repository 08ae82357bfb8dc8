"""A provider's limit that lasts: no client is started before it ends, and how a run waits for that (`--wait-quota`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..agents.job import Report
from ..errors import Interrupted
from ..history.durations import seconds_between
from ..history.quota import seen_in_runs
from ..names import REHEARSAL
from ..quoting import okstra_command
from ..runs.events import events_of
from ..settings.limits import wait_asked
from ..settings.roster import Worker
from ..status import WorkerOutcome
from ..usage.windows import Seen, short_of, window_text
from .assignments import Answer
from .context import RunContext

WAITING = "waiting"
_SLICE_SECONDS = 20.0  # a machine that slept meanwhile notices within these


class Closed(NamedTuple):
    """A model that takes no more requests; `until` is empty where its client named no time."""

    until: str


def again_at(context: RunContext, report: Report) -> str:
    """When the provider takes more, after a dispatch that ended so; empty where that is not known."""
    if report.outcome is not WorkerOutcome.QUOTA or report.stream.retry_after is None:
        return ""
    return context.services.clock.before(-math.ceil(report.stream.retry_after))


def closed(context: RunContext, worker: Worker) -> Closed | None:
    """Whether the worker's model takes no more for now, by the last answer of any worker that has the same one.

    A resumed run tries again, since its person may have bought more; but for one that may wait.
    """
    events = events_of(context.files)
    if not context.requested("wait_quota"):
        begun = [number for number, row in enumerate(events) if row.get("event") == "started"]
        events = events[begun[-1] if begun else 0 :]
    same = {one.id for one in context.roster if one[2:] == worker[2:]} if worker.provider != REHEARSAL else {worker.id}
    ended = (row for row in reversed(events) if row.get("event") == "ended" and row.get("worker") in same)
    last: Mapping[str, Any] = next(ended, {})
    if last.get("outcome") != WorkerOutcome.QUOTA:
        return None
    until = str(last.get("again_at") or "")
    if until:
        return Closed(until) if until > context.services.clock.now() else None
    return None if context.requested("wait_quota") else Closed("")


def worth_waiting_for(context: RunContext, answers: Sequence[Answer], waited: float) -> str:
    """The time at which the first limit ends that the run may wait for; empty where there is none. It has waited
    already for so many seconds."""
    ends = sorted(answer.again_at for answer in answers if answer.outcome is WorkerOutcome.QUOTA and answer.again_at)
    allowed = context.requested("wait_quota")
    if not ends or not allowed:
        return ""
    if waited + (seconds_between(context.services.clock.now(), ends[0]) or 0) <= wait_asked(allowed):
        return ends[0]
    context.print_progress(f"the limit ends at {ends[0]}, which is beyond --wait-quota {allowed}: it is not waited for")
    return ""


def wait_until(context: RunContext, until: str) -> float:
    """Waits for that time, by the clock on the wall; returns the seconds. Raises Interrupted when it was stopped."""
    begun = context.services.clock.now()
    context.record_event(WAITING, again_at=until)
    context.print_progress(f"waits for the provider's limit to end at {until}; Ctrl-C stops, and a resume goes on")
    while True:
        left = seconds_between(context.services.clock.now(), until)
        if not left:
            break
        if context.stop.wait(min(_SLICE_SECONDS, left)):
            raise Interrupted(
                "interrupted",
                f"{context.id} was stopped while it waited for a limit that ends at {until}",
                hint=okstra_command("resume", context.id),
            )
    return float(seconds_between(begun, context.services.clock.now()) or 0)


def shortages(context: RunContext) -> list[str]:
    """A sentence for each provider of the roster whose windows will not last, by what clients said last."""
    from ..agents.codex_limits import on_disk

    now = context.services.clock.now()
    names = {worker.provider for worker in context.roster if worker.provider != REHEARSAL}
    seen = seen_in_runs(names, context.services) if names else {}
    if "codex" in names and (codex := on_disk(context.services.environment)) and codex.at > _at(seen.get("codex")):
        seen["codex"] = codex
    short = {name: short_of(one.windows, now) for name, one in sorted(seen.items())}
    return [
        f"{name} may not last: {'; '.join(map(window_text, windows))} (as of {seen[name].at}; okstra quota)"
        for name, windows in short.items()
        if windows
    ]


def _at(seen: Seen | None) -> str:
    return seen.at if seen else ""
