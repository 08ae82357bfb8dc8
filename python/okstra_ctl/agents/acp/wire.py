"""The lines between okstra's client and the agent: limited, and deaf to what is no message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

LONGEST = 32 * 1024 * 1024
_MOST = 256 * 1024 * 1024
_MOST_GARBAGE = 10_000


class Wire:
    """A transport of the SDK's. `fault` says why it ended before the agent did, empty when it did not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._received = 0
        self._strange = 0
        self.fault = ""
        self.strange = ""
        """The beginning of the first line that is no message."""

    async def send(self, message: dict[str, Any]) -> None:
        try:
            self._writer.write(json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
            await self._writer.drain()
        except (OSError, RuntimeError) as error:
            raise ConnectionError(str(error)) from error

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end."""
        while not self.fault and (line := await self._line()):
            self._received += len(line)
            if self._received > _MOST:
                self.fault = "it wrote without end"
                break
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                message = None
            if isinstance(message, dict):
                return message
            if line.strip():
                self.strange = self.strange or line[:80].decode("utf-8", "replace").strip()
                self._strange += 1
            if self._strange > _MOST_GARBAGE:
                self.fault = "what it writes is not the protocol"
        return None

    async def _line(self) -> bytes:
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as over:
            return over.partial
        except asyncio.LimitOverrunError:
            self.fault = f"it wrote a message of more than {LONGEST // 1024 // 1024} MB"
        except OSError:
            pass
        return b""

    async def close(self) -> None:
        self._writer.close()
