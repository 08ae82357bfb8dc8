"""The windows of codex's subscription, asked of its own app-server.

okstra itself asks nobody: the app-server is codex, which asks its provider as it always does.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..system.text import encode_line, loads
from ..usage.windows import Window, of_codex
from .streams import mapping_at, time_of

_ANSWER_SECONDS = 15.0
_END_SECONDS = 2.0
_LONGEST_LINE = 1024 * 1024
_ASKED = (
    {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "okstra", "title": "okstra", "version": "1"}}},
    {"method": "initialized"},
    {"id": 2, "method": "account/rateLimits/read"},
)


def ask(environment: Mapping[str, str], *, seconds: float = _ANSWER_SECONDS) -> tuple[Window, ...] | None:
    """What the app-server of the codex on the PATH answers; None where it answers nothing of use in that time."""
    try:
        answer = asyncio.run(_ask(environment, seconds))
    except (OSError, ValueError, asyncio.TimeoutError):
        return None
    windows = of_codex(mapping_at(answer, "result", "rateLimits"), time_of)
    return windows or None


async def _ask(environment: Mapping[str, str], seconds: float) -> object:
    """Raises OSError without such a program, asyncio.TimeoutError."""
    server = await asyncio.create_subprocess_exec(
        "codex",
        "app-server",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=dict(environment),
        limit=_LONGEST_LINE,
        start_new_session=True,
    )
    try:
        return await asyncio.wait_for(_exchange(server), seconds)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(_ended(server), _END_SECONDS)
        except asyncio.TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            await _ended(server)


async def _ended(server: asyncio.subprocess.Process) -> None:
    """Waits for the end of the server, and of its pipes."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.close()
    with suppress(ConnectionError):
        await server.stdin.wait_closed()
    with suppress(ValueError):  # a line that is too long
        while await server.stdout.read(_LONGEST_LINE):
            pass
    await server.wait()


async def _exchange(server: asyncio.subprocess.Process) -> object:
    assert server.stdin is not None
    assert server.stdout is not None
    for message in _ASKED:
        server.stdin.write(encode_line(message))
    with suppress(ConnectionError):
        await server.stdin.drain()
    while line := await server.stdout.readline():
        try:
            answer: Any = loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(answer, dict) and answer.get("id") == 2:
            return answer
    return None
