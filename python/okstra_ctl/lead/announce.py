"""The one place where a led run has people notified of its end (docs/how-to/notifications.md). No run fails by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Interrupted, OkstraError
from ..notify.moments import Moment, message_of, moment_of_error, moment_of_report
from ..notify.send import try_send
from ..report.outcome import outcome_of
from ..runs.events import ACTIVE, STALLED, events_of, faults_of, limited_until
from ..tasks.records import title_of
from ..usage.tokens import duration_text
from .context import RunContext


def announce_end(context: RunContext, report: Mapping[str, Any]) -> None:
    """After everything about the run is on disk."""
    events, verdict = events_of(context.files), report["verdict"]
    reasons = [f"{worker}: {fault}" for worker, fault in faults_of(events).items()]
    until = limited_until(events, context.services.clock.now())
    reasons += [f"a provider's limit ends at {until}"] if until else []
    more = [f"verdict: {verdict['token']}", *reasons, f"next: {verdict['next_step']}" if verdict["next_step"] else ""]
    _announce(context, moment_of_report(report, outcome_of(report), events), more)


def announce_early_end(context: RunContext, error: OkstraError) -> None:
    """For a run that ended without a report. Whoever stopped it knows."""
    if not isinstance(error, Interrupted):
        _announce(context, moment_of_error(error.code), [error.message, f"next: {error.hint}" if error.hint else ""])


def announce_stall(context: RunContext, worker: str, label: str, attempt: int, *, stalled: bool) -> None:
    """For a worker of which nothing was at work for a while, or is again. It is ended at its limit alone."""
    context.record_event(STALLED if stalled else ACTIVE, worker=worker, label=label, attempt=attempt)
    if not stalled:
        context.print_progress(f"{worker}: at work again")
        return
    quiet = duration_text(round(context.settings.stall_after))
    words = f"{worker}: no output, processor time or network traffic for {quiet}; it is ended at its limit alone"
    context.print_progress(f"{words}; log: {context.files.worker_log(worker, label, attempt)}")
    _announce(context, Moment.STALLED, [words])


def _announce(context: RunContext, moment: Moment, more: Sequence[str]) -> None:
    title = title_of(context.run.project.task(context.id.task))
    warning = try_send(message_of(moment, context.id, title, more), context.services)
    if warning:
        context.print_progress(f"warning: {warning}")
