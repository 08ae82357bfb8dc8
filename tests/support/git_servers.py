"""Git servers on this machine's loopback: `git daemon`, `git http-backend` behind a small server, and a proxy that
delays, counts and cuts connections."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_HERE = "127.0.0.1"


def speaks_http() -> bool:
    """Whether git can read over http: one that was built without curl can't."""
    ended = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    return (Path(ended.stdout.strip()) / "git-remote-http").exists()


@contextmanager
def git_daemon(folder: Path, environment: Mapping[str, str]) -> Iterator[int]:
    """Serves the repositories in the folder, reading and writing; gives its port."""
    port = _free_port()
    words = ["--reuseaddr", "--export-all", "--enable=receive-pack", f"--listen={_HERE}", f"--port={port}"]
    log = folder / "daemon.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["git", "daemon", *words, f"--base-path={folder}", str(folder)],
            env=dict(environment),
            stdout=out,
            stderr=out,
        )
    try:
        _await(port, server)
        yield port
    finally:
        server.terminate()
        server.wait()


@contextmanager
def git_over_http(folder: Path, environment: Mapping[str, str]) -> Iterator[int]:
    """Serves the repositories in the folder by git's own CGI program; whoever asks may write."""

    class Handler(_Backend):
        root, inherited = str(folder), dict(environment)

    server = ThreadingHTTPServer((_HERE, 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Backend(BaseHTTPRequestHandler):
    """`git http-backend`, as a web server calls it (RFC 3875)."""

    root = ""
    inherited: Mapping[str, str] = {}

    def do_GET(self) -> None:
        self._run(b"")

    def do_POST(self) -> None:
        self._run(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _run(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        given = {
            "GIT_PROJECT_ROOT": self.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "somebody",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        ended = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env={**self.inherited, **given}
        )
        head, _, content = ended.stdout.partition(b"\r\n\r\n")
        fields = [line.partition(": ") for line in head.decode("latin-1").split("\r\n") if line]
        status = next((value.split()[0] for name, _, value in fields if name == "Status"), "200")
        with suppress(ConnectionError):
            self.send_response(int(status))
            for name, _, value in fields:
                if name != "Status":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


class Proxy:
    """Passes connections on to a port here. `delay`: seconds each way, and once more to connect, as over a network.

    `cut`: how many of the next pushes over git's own protocol get no answer: the server's update is made, and what it
    says of it is swallowed. `connections` counts.
    """

    def __init__(self, target: int, *, delay: float = 0.0) -> None:
        self.target, self.delay, self.cut, self.connections = target, delay, 0, 0
        self.port = 0

    async def serve(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self._connected, _HERE, 0, backlog=256)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await asyncio.sleep(2 * self.delay)
        try:
            first = await _first_line(reader)
            there, to_there = await asyncio.open_connection(_HERE, self.target)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        is_cut = self.cut > 0 and b"git-receive-pack" in first
        self.cut -= is_cut
        sent = asyncio.Event()
        try:
            to_there.write(first)
            asked = asyncio.create_task(self._pass(reader, to_there, sent))
            await self._pass(there, writer, None, sent if is_cut else None)
            asked.cancel()
            await asyncio.wait([asked])
        finally:
            for one in (writer, to_there):
                one.close()

    async def _pass(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        mark: asyncio.Event | None,
        swallow_after: asyncio.Event | None = None,
    ) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = asyncio.create_task(self._send(waiting, sink))
        loop = asyncio.get_running_loop()
        try:
            while data := await source.read(65536):
                if mark is not None:
                    mark.set()
                if swallow_after is not None and swallow_after.is_set():
                    continue
                waiting.put_nowait((loop.time() + self.delay, data))
        except ConnectionError:
            pass
        except asyncio.CancelledError:
            sender.cancel()
            raise
        waiting.put_nowait((loop.time() + self.delay, b""))
        await sender  # cancelled together with its caller

    async def _send(self, waiting: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError, RuntimeError):
            while True:
                at, data = await waiting.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                if not data:
                    if sink.can_write_eof():
                        sink.write_eof()
                    return
                sink.write(data)
                await sink.drain()


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    """Of git's protocol the whole first packet, which says what is wanted; of another one its first bytes."""
    size = await reader.readexactly(4)
    try:
        return size + await reader.readexactly(int(size, 16) - 4)
    except ValueError:
        return size


@contextmanager
def proxied(target: int, *, delay: float = 0.0) -> Iterator[Proxy]:
    proxy, loop, started = Proxy(target, delay=delay), asyncio.new_event_loop(), threading.Event()
    task: list[asyncio.Task[None]] = []

    def run() -> None:
        asyncio.set_event_loop(loop)
        task.append(loop.create_task(proxy.serve(started)))
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task[0])
        left = asyncio.all_tasks(loop)
        for one in left:
            one.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(task[0].cancel)
        thread.join(10)


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and never says a word."""
    with socket.create_server((_HERE, 0)) as server:
        yield server.getsockname()[1]


def _free_port() -> int:
    with socket.create_server((_HERE, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        with suppress(OSError), socket.create_connection((_HERE, port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("the server did not start")
