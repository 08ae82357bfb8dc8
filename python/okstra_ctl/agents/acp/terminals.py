"""The commands that an agent runs through the protocol, in the worktree. All of them end with okstra's client."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from .access import Ground, no_command
from .places import NotAllowed, real

_MOST_OUTPUT = 4 * 1024 * 1024
_CHUNK = 65536


class Terminal:
    """One command: what it printed last, and how it ended."""

    def __init__(self, process: asyncio.subprocess.Process, most: int) -> None:
        self.process, self._most = process, most
        self._output = bytearray()
        self.truncated = False
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(_CHUNK):
            self._output += data
            if len(self._output) > self._most:
                self.truncated = True
                del self._output[: len(self._output) - self._most]

    @property
    def output(self) -> str:
        return self._output.decode("utf-8", "ignore" if self.truncated else "replace")

    async def wait(self) -> None:
        """Until the command has ended, and what it printed is read; what it left running may go on printing."""
        await self.process.wait()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._reading), 0.5)

    def kill(self) -> None:
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def ended(self) -> tuple[int | None, str | None] | None:
        """Its exit code or its signal; None while it runs."""
        status = self.process.returncode
        if status is None:
            return None
        return (status, None) if status >= 0 else (None, signal.Signals(-status).name)


async def start(
    ground: Ground, command: str, words: Sequence[str], environment: Mapping[str, str], cwd: str, most: int | None
) -> Terminal:
    """Raises NotAllowed, OSError. A command line in one word is the shell's."""
    line = shlex.join([command, *words]) if words else command
    if why := no_command(ground, line):
        raise NotAllowed(f"{why}: {line[:200]}")
    folder = real(ground, cwd or ".")
    if folder != ground.folder and not folder.startswith(ground.folder.rstrip("/") + "/"):
        raise NotAllowed(f"{folder} is outside the worktree")
    argv = [command, *words] if words or len(shlex.split(command, posix=False)) < 2 else ["sh", "-c", command]
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    return Terminal(process, min(most or _MOST_OUTPUT, _MOST_OUTPUT))
