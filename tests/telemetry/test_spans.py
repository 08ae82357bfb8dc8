"""Traces by the SDK, read back from memory; and exporters that misbehave."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from okstra_ctl.errors import Interrupted
from okstra_ctl.telemetry import trace as traces
from okstra_ctl.telemetry.spans import SdkTrace

_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_EARLIER = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"


def _trace(exporter: SpanExporter, shown: list[str], *earlier: str, **environment: str) -> SdkTrace:
    return SdkTrace("invoke_workflow review", {"okstra.run.id": "r"}, environment, [exporter], earlier, shown.append)


def _by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def _id(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def test_workers_that_run_side_by_side_are_below_their_step_and_it_below_the_run() -> None:
    exporter, shown = InMemorySpanExporter(), list[str]()
    trace = _trace(exporter, shown)
    both = threading.Barrier(2)

    def work(name: str) -> str:
        with trace.worker(name, {"gen_ai.agent.name": name}) as span:
            both.wait(10)
            return span.environment["TRACEPARENT"]

    with trace.step("phase review"), ThreadPoolExecutor() as pool:
        handed = list(pool.map(work, ["a", "b"]))
    with trace.step("report"):
        pass
    trace.end()
    found = _by_name(exporter)
    run, phase = found["invoke_workflow review"], found["phase review"]
    assert run.parent is None
    for name in ("a", "b"):
        parent = found[name].parent
        assert parent is not None and parent.span_id == _id(phase)
    for span in (phase, found["report"]):
        assert span.parent is not None and span.parent.span_id == _id(run)
    assert [text.split("-")[2] for text in handed] == [f"{_id(found[name]):016x}" for name in ("a", "b")]
    assert shown == []


def test_an_incoming_traceparent_is_the_parent_and_earlier_leads_are_links() -> None:
    exporter = InMemorySpanExporter()
    trace = _trace(exporter, [], _EARLIER, "nonsense", TRACEPARENT=_PARENT, TRACESTATE="a=1")
    assert trace.environment["TRACEPARENT"].split("-")[1] == _PARENT.split("-")[1]
    assert trace.environment["TRACESTATE"] == "a=1"
    trace.end()
    run = _by_name(exporter)["invoke_workflow review"]
    assert run.parent is not None and f"{run.parent.span_id:016x}" == _PARENT.split("-")[2]
    assert [f"{link.context.span_id:016x}" for link in run.links] == [_EARLIER.split("-")[2]]


def test_a_traceparent_that_is_no_such_thing_is_ignored() -> None:
    exporter = InMemorySpanExporter()
    _trace(exporter, [], TRACEPARENT="'; rm -rf /").end()
    assert _by_name(exporter)["invoke_workflow review"].parent is None


def test_an_error_that_ends_a_step_is_its_status_by_its_code_alone() -> None:
    exporter = InMemorySpanExporter()
    trace = _trace(exporter, [])
    with pytest.raises(Interrupted), trace.step("report"):
        raise Interrupted("interrupted", "the secret of the brief")
    trace.end()
    span = _by_name(exporter)["report"]
    assert span.status.description == "interrupted" and not span.status.is_ok
    assert "secret" not in span.to_json()


class _Hanging(SpanExporter):
    def __init__(self) -> None:
        self.release = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.release.wait(60)
        return SpanExportResult.SUCCESS


class _Raising(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise RuntimeError("no such collector")


def test_an_exporter_that_hangs_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okstra_ctl.telemetry.spans.FLUSH_SECONDS", 0.2)
    exporter, shown = _Hanging(), list[str]()
    trace = _trace(exporter, shown)
    begun = time.monotonic()
    trace.end()
    assert time.monotonic() - begun < 10
    exporter.release.set()
    assert shown == ["traces: not all were taken within 0 s; the rest is lost"]


def test_an_exporter_that_raises_is_one_line() -> None:
    shown = list[str]()
    _trace(_Raising(), shown).end()
    assert len(shown) == 1 and shown[0].startswith("traces: ")


@pytest.mark.parametrize(("name", "package"), [("mine", "mine"), ("otlp", "otlp-proto-grpc")])
def test_an_exporter_that_can_not_be_had_is_one_line_and_no_trace(name: str, package: str) -> None:
    shown = list[str]()
    environment = {"OTEL_TRACES_EXPORTER": name, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    opened = traces.open_trace("invoke_workflow review", {}, environment, show=shown.append)
    assert opened is traces.SILENT
    assert len(shown) == 1 and f"pip install opentelemetry-exporter-{package} into" in shown[0]
