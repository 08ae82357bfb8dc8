"""Striking at the n-th change to the file system, by the preload in `tests/faults/`."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from .okstra import Ended, Okstra
from .sealed import ROOT

SOURCE = ROOT / "tests" / "faults" / "faults.c"
TAKES_SPACE = frozenset(
    {"open", "write", "pwrite", "pwrite64", "fsync", "fdatasync", "syncfs", "mkdir", "mkdirat", "rename", "renameat"}
    | {"link", "linkat", "symlink", "symlinkat"}
)


class Point(NamedTuple):
    """One change to the file system: its number, which process made it, and what it was."""

    number: int
    pid: int
    operation: str
    path: str


class Preload:
    """The compiled preload, and a counter and a trace for each run under it."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._library, self._folder, self._runs = library, folder, 0

    @classmethod
    def build(cls, folder: Path) -> Preload:
        """Skips the test where the preload can't be had."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if sys.platform != "linux" or compiler is None:
            pytest.skip("fault injection needs Linux and a C compiler (cc)")
        library = folder / "faults.so"
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
        built = subprocess.run(command, capture_output=True, text=True)
        assert built.returncode == 0, built.stderr
        return cls(library, folder)

    def environment(self, **fault: object) -> dict[str, str]:
        """The variables of one run; `fault` names FAULT_… variables in lower case."""
        self._runs += 1
        counter = self._folder / f"counter-{self._runs}"
        counter.write_bytes(bytes(8))
        named = {f"FAULT_{name.upper()}": str(value) for name, value in fault.items()}
        return {"LD_PRELOAD": str(self._library), "FAULT_COUNTER": str(counter), **named}

    def points(self, okstra: Okstra, *args: str) -> tuple[Ended, list[Point]]:
        """Runs the command undisturbed; answers how it ended, and every change that it and its children made."""
        trace = self._folder / f"trace-{self._runs}"
        trace.write_bytes(b"")
        ended = okstra(*args, **self.environment(trace=trace))
        return ended, _read_trace(trace)

    def strike(self, okstra: Okstra, args: Sequence[str], *, at: int, do: str, **more: object) -> Ended:
        """Runs the command with a fault at that point."""
        return okstra(*args, **self.environment(at=at, do=do, **more))


def _read_trace(trace: Path) -> list[Point]:
    rows = [
        line.split("\t", 3)
        for line in trace.read_text(errors="surrogateescape").split("\n")
        if line.count("\t") >= 3 and line.split("\t")[0].isdigit()
    ]
    return sorted(Point(int(number), int(pid), operation, path) for number, pid, operation, path in rows)


class Scene:
    """A folder whose state is kept, to be put back before each strike, with every path as it was."""

    def __init__(self, folder: Path, name: str = "kept") -> None:
        self.folder, self._kept = folder, folder.with_name(f"{folder.name}.{name}")

    def keep(self) -> None:
        shutil.rmtree(self._kept, ignore_errors=True)
        subprocess.run(["cp", "-a", "--", str(self.folder), str(self._kept)], check=True)

    def restore(self) -> None:
        """Empties the folder, whatever is still being deleted in it, and copies the kept state back."""
        eventually(lambda: shutil.rmtree(self.folder, ignore_errors=True) or not self.folder.exists())
        subprocess.run(["cp", "-a", "--", str(self._kept), str(self.folder)], check=True)


def eventually(attempt: Callable[[], object], seconds: float = 60.0) -> None:
    """Repeats until the attempt answers something true and raises nothing."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if attempt():
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, f"did not come to pass within {seconds} s: {attempt}"
        time.sleep(0.02)


def group_lives(group: int) -> bool:
    """Whether a process of the group still runs; one that ended and that nobody waited for does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = stat.read_text().rpartition(") ")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            return True
    return False


def seeded() -> random.Random:
    """A dice that changes from run to run; `OKSTRA_TEST_SEED` fixes it. pytest shows the seed when a test fails."""
    seed = os.environ.get("OKSTRA_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
    print(f"OKSTRA_TEST_SEED={seed}")
    return random.Random(seed)


def sample(dice: random.Random, points: Sequence[Point], count: int) -> Sequence[Point]:
    """So many of the points, spread over the whole: one from each of `count` equal parts."""
    if len(points) <= count:
        return points
    edges = [index * len(points) // count for index in range(count + 1)]
    return [points[dice.randrange(low, high)] for low, high in itertools.pairwise(edges)]
