"""The trace of a run by OpenTelemetry's SDK, and where it goes. Imported only when somebody wants it."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .. import __version__
from ..system.secrets import hide
from .attributes import Attributes
from .trace import FLUSH_SECONDS, Span, Trace

_GROUP = "opentelemetry_traces_exporter"
_PROPAGATOR = TraceContextTextMapPropagator()
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def exporters_for(names: Sequence[str], environment: Mapping[str, str]) -> list[SpanExporter]:
    """Raises ModuleNotFoundError for one that is not installed, and whatever an exporter raises."""
    return [_exporter(name, environment) for name in names]


def _exporter(name: str, environment: Mapping[str, str]) -> SpanExporter:
    if name == "console":  # stdout is for the reply
        return ConsoleSpanExporter(out=sys.stderr)
    if name == "otlp":
        protocol = next(filter(None, map(environment.get, _PROTOCOLS)), "http/protobuf")
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    found = next(iter(entry_points(group=_GROUP, name=name)), None)
    if found is None:
        package = name.replace("_", "-")
        raise ModuleNotFoundError(f"the exporter {name} is not installed", name=f"opentelemetry-exporter-{package}")
    exporter: SpanExporter = found.load()()
    return exporter


class _Last(logging.Handler):
    """Keeps the last complaint of exporters, which would else be printed in the middle of a run."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


class SdkSpan(Span):
    def __init__(self, span: api.Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, api.set_span_in_context(span))
        self.environment = {name.upper(): value for name, value in carrier.items()}

    @property
    def context(self) -> Context:
        return api.set_span_in_context(self._span)

    def describe(self, attributes: Attributes, error: str = "") -> None:
        self._span.set_attributes(attributes)
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(api.StatusCode.ERROR, error)

    def end(self) -> None:
        self._span.end()


class SdkTrace(Trace):
    def __init__(
        self,
        name: str,
        attributes: Attributes,
        environment: Mapping[str, str],
        exporters: Sequence[SpanExporter],
        earlier: Sequence[str],
        show: Callable[[str], None],
    ) -> None:
        self._show, self._complaints = show, _Last()
        logger = logging.getLogger("opentelemetry")
        logger.handlers, logger.propagate = [self._complaints], False
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("okstra", __version__)
        links = [api.Link(context) for context in map(_span_context, earlier) if context.is_valid]
        parent = _PROPAGATOR.extract(_carrier(environment))
        self._run = SdkSpan(self._tracer.start_span(name, parent, attributes=attributes, links=links))
        self._step = self._run
        self.environment = self._run.environment

    @contextmanager
    def step(self, name: str) -> Iterator[Span]:
        outer = self._step
        with self._below(outer, name, {}, api.SpanKind.INTERNAL) as span:
            self._step = span
            try:
                yield span
            finally:
                self._step = outer

    @contextmanager
    def worker(self, name: str, attributes: Attributes) -> Iterator[Span]:
        with self._below(self._step, name, attributes, api.SpanKind.CLIENT) as span:
            yield span

    @contextmanager
    def _below(self, parent: SdkSpan, name: str, attributes: Attributes, kind: api.SpanKind) -> Iterator[SdkSpan]:
        span = SdkSpan(self._tracer.start_span(name, parent.context, kind, attributes))
        try:
            yield span
        except BaseException as error:
            span.describe({}, str(getattr(error, "code", "")) or type(error).__name__)
            raise
        finally:
            span.end()

    def describe(self, attributes: Attributes, error: str = "") -> None:
        self._run.describe(attributes, error)

    def end(self) -> None:
        self._run.end()
        flush = threading.Thread(target=self._provider.shutdown, daemon=True)  # neither ends in time of itself
        flush.start()
        flush.join(FLUSH_SECONDS)
        if flush.is_alive():
            self._show(f"traces: not all were taken within {FLUSH_SECONDS:.0f} s; the rest is lost")
        elif self._complaints.text:
            self._show(f"traces: {hide(self._complaints.text)[0][:300]}")


def _resource() -> Resource:
    """As `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say; else this is okstra."""
    found = Resource.create({"service.version": __version__})
    named = not str(found.attributes.get("service.name", "unknown_service")).startswith("unknown_service")
    return found if named else found.merge(Resource({"service.name": "okstra"}))


def _carrier(environment: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): environment[name] for name in ("TRACEPARENT", "TRACESTATE") if environment.get(name)}


def _span_context(traceparent: str) -> api.SpanContext:
    context = _PROPAGATOR.extract({"traceparent": traceparent})
    return api.get_current_span(context).get_span_context()
