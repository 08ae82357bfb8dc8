"""A run's trace as `lead/` writes it, whether or not anybody asked for one.

Unless the environment names an exporter it is silent, and nothing of OpenTelemetry is imported. Whatever an exporter
does (refuse, hang, raise), no run ends otherwise: it costs a line of progress, and `FLUSH_SECONDS` at the run's end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType

from ..errors import extra_hint
from .attributes import Attributes, exporters_named

FLUSH_SECONDS = 2.0


class Span:
    """A span that nobody sees."""

    environment: Mapping[str, str] = MappingProxyType({})
    """`TRACEPARENT`, and `TRACESTATE` where there is one: what is started with them belongs to this span."""

    def describe(self, attributes: Attributes, error: str = "") -> None:
        """Adds attributes; `error` is the kind of error that it ends with, one word."""


class Trace:
    """A trace that nobody sees."""

    environment: Mapping[str, str] = MappingProxyType({})

    def step(self, name: str) -> AbstractContextManager[Span]:
        """A part of the run, one after the other; what workers do meanwhile is below it."""
        return nullcontext(Span())

    def worker(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """What one worker does; several may be open at once, each in its thread."""
        return nullcontext(Span())

    def describe(self, attributes: Attributes, error: str = "") -> None:
        """As `Span.describe`, of the run's own span."""

    def end(self) -> None:
        """Ends the run's span, and waits a little until everything is exported."""


SILENT = Trace()


def open_trace(
    name: str,
    attributes: Attributes,
    environment: Mapping[str, str],
    *,
    earlier: Sequence[str] = (),
    show: Callable[[str], None],
) -> Trace:
    """Begins a run's trace, below the `TRACEPARENT` of the environment if there is one.

    `earlier` are the `TRACEPARENT`s of this run's earlier leads, which it is linked to. `show` gets a line when there
    is no trace although one is asked for.
    """
    exporters = exporters_named(environment)
    if not exporters:
        return SILENT
    try:
        from .spans import SdkTrace, exporters_for
    except ModuleNotFoundError as error:
        show(f"no traces: the Python package {error.name} is not installed (try: {extra_hint('otel')})")
        return SILENT
    try:
        return SdkTrace(name, attributes, environment, exporters_for(exporters, environment), earlier, show)
    except ModuleNotFoundError as error:
        show(f"no traces: {error} (try: pip install {error.name} into the Python that `okstra doctor` names)")
        return SILENT
    except Exception as error:  # noqa: BLE001 (exporters are anybody's code, and no run fails by theirs)
        show(f"no traces: {type(error).__name__}: {error}")
        return SILENT
