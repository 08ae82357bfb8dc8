"""The trace of a led run: where it begins and ends, and what the run's record says of it. `telemetry/` has the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..runs.events import STARTED, events_of
from ..status import RunOutcome
from ..telemetry.attributes import exporters_named, of_run
from ..telemetry.trace import open_trace
from .context import RunContext

_RECORDED = "traceparent"


def begin_trace(context: RunContext) -> RunContext:
    """The context with its trace begun, linked to those of the run's earlier leads."""
    environment = context.services.environment
    if not exporters_named(environment):
        return context
    rows = [row for row in events_of(context.files) if row.get("event") == STARTED]
    earlier = [str(row[_RECORDED]) for row in rows if row.get(_RECORDED)]
    trace = open_trace(
        f"invoke_workflow {context.id.task_type}",
        of_run(context.id),
        environment,
        earlier=earlier,
        show=context.print_progress,
    )
    return context._replace(trace=trace)


def recorded_trace(context: RunContext) -> dict[str, str]:
    """For the row of the run's start: whoever resumes it links to this trace."""
    parent = context.trace.environment.get("TRACEPARENT")
    return {_RECORDED: parent} if parent else {}


@contextmanager
def ended_trace(context: RunContext) -> Iterator[None]:
    """Ends the trace with the block, and with the block's error."""
    try:
        yield
    except BaseException as error:
        context.trace.describe({}, str(getattr(error, "code", "")) or type(error).__name__)
        raise
    finally:
        context.trace.end()


def describe_end(context: RunContext, outcome: RunOutcome, token: str) -> None:
    found = {"okstra.outcome": str(outcome), "okstra.verdict": token}
    context.trace.describe(found, "" if outcome is RunOutcome.COMPLETED else str(outcome))
