"""A collector of OpenTelemetry traces on the loopback interface, as OTLP over HTTP reaches one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Seen(NamedTuple):
    """A span that arrived. `status` 2 is an error; ids are hexadecimal."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    status: int
    message: str
    links: tuple[str, ...]


class Collector(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies = list[bytes]()

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server_port}"}

    @property
    def spans(self) -> list[Seen]:
        return [span for body in self.bodies for span in _read(body)]

    def span(self, name: str, **attributes: Any) -> Seen:
        """The only one of that name with these attributes, `okstra.` left out of their names."""
        wanted = {f"okstra.{key}": value for key, value in attributes.items()}.items()
        (found,) = [one for one in self.spans if one.name == name and wanted <= one.attributes.items()]
        return found


def _read(body: bytes) -> Iterator[Seen]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        assert {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"] == "okstra"
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield Seen(
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes},
                span.status.code,
                span.status.message,
                tuple(link.span_id.hex() for link in span.links),
            )


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
