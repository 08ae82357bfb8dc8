"""A model on loopback that says what a test scripted: one server for all clients and sessions of a test.

Which turn of the script answers a request is counted from the assistant's turns that the request holds, so a
repeated request gets the same answer. Faults come first, one for each request to a model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

from . import wires
from .wires import Turn


class Fault(NamedTuple):
    """What happens to a request instead of an answer: an HTTP error, silence, a cut stream or nonsense."""

    status: int = 0
    headers: Mapping[str, str] = {}
    hang: bool = False
    cut: bool = False
    garbage: bool = False


Script = Callable[[str], "Sequence[Turn] | Fault"]


class ModelServer:
    """`with ModelServer([Turn(...), …]) as server`; `requests` are the bodies of what clients asked, in order.

    Where several clients ask the same server, the turns (or a fault) are a function of the request's text.
    """

    def __init__(
        self, turns: Sequence[Turn] | Script, faults: Sequence[Fault] = (), *, always: Fault | None = None
    ) -> None:
        self._script: Script = turns if callable(turns) else lambda text: turns
        self._faults, self._always = list(faults), always
        self.requests: list[dict[str, Any]] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> ModelServer:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, body: dict[str, Any], number: int) -> tuple[Turn, Fault | None]:
        """What the model says in its turn of that number, and what happens to it on the way."""
        with self._lock:
            self.requests.append(body)
            fault = self._faults.pop(0) if self._faults else self._always
        turns = self._script(json.dumps(body, ensure_ascii=False))
        if isinstance(turns, Fault):
            return Turn(), turns
        return turns[number] if number < len(turns) else Turn(say="There is nothing left to say."), fault


def _handler_of(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        model = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    model: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its own."""

    def do_GET(self) -> None:
        self._json(200, {"data": [], "models": []})

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_POST(self) -> None:
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        except ValueError:
            self._json(400, {})
            return
        path = self.path.split("?")[0]
        if path.endswith("/v1/messages"):
            self._answer(body, wires.anthropic, wires.anthropic_turn)
        elif path.endswith("/chat/completions") and not body.get("tools"):  # a title for the session, no work
            self._stream(wires.chat(body, Turn(say="A title")))
        elif path.endswith("/chat/completions"):
            self._answer(body, wires.chat, wires.chat_turn)
        elif path.endswith("/responses"):
            self._answer(body, wires.openai, wires.openai_turn)
        elif "generateContent" in path or "streamGenerateContent" in path:
            self._answer(body, wires.gemini, wires.gemini_turn)
        else:  # counting tokens and the like
            self._json(200, {"input_tokens": 1, "totalTokens": 1})

    def _answer(self, body: dict[str, Any], speak: Any, turn_of: Any) -> None:
        turn, fault = self.model.answer(body, turn_of(body))
        if fault and fault.hang:
            self.model.closing.wait()
            return
        if fault and fault.status:
            error = {"type": "error", "message": f"scripted {fault.status}", "code": fault.status}
            self._json(fault.status, {"type": "error", "error": error}, fault.headers)
            return
        if fault and fault.garbage:
            self._send(200, "text/html", b"<html>\xff\xfe this is no model</html>")
            return
        events = list(speak(body, turn))
        if not body.get("stream", True) and speak is wires.anthropic:
            self._json(200, _at_once(events))
            return
        stream = b"".join(_event(name, data) for name, data in events)
        if fault and fault.cut:
            self._headers(200, "text/event-stream", None)
            self.wfile.write(stream[: len(stream) // 3])
        else:
            self._headers(200, "text/event-stream", None)
            self.wfile.write(stream)
        self.close_connection = True

    def _stream(self, events: Iterable[wires.Event]) -> None:
        self._headers(200, "text/event-stream", None)
        self.wfile.write(b"".join(_event(name, data) for name, data in events))
        self.close_connection = True

    def _json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, "application/json", json.dumps(value).encode(), headers)

    def _send(self, status: int, kind: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._headers(status, kind, len(data), headers)
        if self.command != "HEAD":
            self.wfile.write(data)

    def _headers(self, status: int, kind: str, length: int | None, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        if length is not None:
            self.send_header("content-length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()


def _event(name: str, data: dict[str, Any]) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps({'type': name, **data} if name else data)}\n\n".encode()


def _at_once(events: list[wires.Event]) -> dict[str, Any]:
    """An Anthropic answer that was not asked for as a stream."""
    message: dict[str, Any] = dict(events[0][1]["message"])
    block, delta = dict(events[1][1]["content_block"]), events[2][1]["delta"]
    block |= {"input": json.loads(delta["partial_json"])} if "partial_json" in delta else {"text": delta["text"]}
    end = events[4][1]
    return {**message, "content": [block], **end["delta"], "usage": {**message["usage"], **end["usage"]}}
