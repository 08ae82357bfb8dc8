"""Dask fleets of this machine, each part a process of its own group, and what is left of a node."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .faults import eventually
from .okstra import Okstra


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


class LocalFleet:
    """A scheduler and nodes. `parts` are their processes by name."""

    def __init__(self, okstra: Okstra, path: Path) -> None:
        self.okstra, self.path = okstra, path
        self.parts: dict[str, subprocess.Popen[str]] = {}

    def serve(self, name: str) -> None:
        self.parts[name] = self.okstra.start("fleet", "up", self.path, "--serve", name)

    def kill(self, name: str) -> None:
        """Only that process: what it started is not in the way of `kill -9`."""
        self.parts[name].kill()
        self.parts[name].communicate()

    def end(self) -> None:
        for part in self.parts.values():
            try:
                os.killpg(part.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            part.communicate()


@contextmanager
def dask_fleet(okstra: Okstra, folder: Path, nodes: Sequence[str], **tokens: int) -> Iterator[LocalFleet]:
    """Nodes with one slot each, with the project's one clone and home, over TLS."""
    folder.mkdir()
    path = folder / "fleet.toml"
    rows = "".join(f'[[dask.node]]\nname = "{name}"\nproject = "{okstra.cwd}"\n' for name in nodes)
    given = "".join(f"{name} = {count}\n" for name, count in tokens.items())
    path.write_text(
        f'schema = "fleet/1"\nengine = "dask"\n[tokens]\n{given}'
        f'[dask]\nscheduler = "tls://127.0.0.1:{free_port()}"\nnode_timeout = 5\n{rows}'
    )
    okstra.ok("fleet", "init", path)
    fleet = LocalFleet(okstra, path)
    try:
        for name in ("scheduler", *nodes):
            fleet.serve(name)
        yield fleet
    finally:
        fleet.end()


def descendants(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(") ")[2].split()[1])
        except (OSError, ValueError):
            continue
    found: set[int] = set()
    heads = [pid]
    while heads:
        head = heads.pop()
        children = {child for child, parent in parents.items() if parent == head} - found
        found |= children
        heads += children
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if _lives(pid)}


def _lives(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


__all__ = ["LocalFleet", "alive", "dask_fleet", "descendants", "eventually", "free_port"]
