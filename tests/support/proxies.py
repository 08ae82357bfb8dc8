"""A proxy on loopback that can be cut: what is under way is held back, as when a cable is pulled, until it heals."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress

_CHUNK = 65536


class Proxy:
    """Forwards to `target`, a port of 127.0.0.1."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._whole = threading.Event()
        self._whole.set()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole.clear()

    def heal(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self._whole.set()
        self._listener.close()
        for one in list(self._open):
            with suppress(OSError):
                one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        self._whole.wait()
        with suppress(OSError, ValueError), client, socket.create_connection(("127.0.0.1", self.target)) as server:
            self._open |= {client, server}
            other = {client: server, server: client}
            while True:
                ready, _, _ = select.select(list(other), [], [])
                self._whole.wait()
                for one in ready:
                    data = one.recv(_CHUNK)
                    if not data:
                        return
                    other[one].sendall(data)
