"""Timing whole commands side by side: in turn, several rounds, medians and spreads."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

Action = Callable[[], object]


class Spread(NamedTuple):
    """Seconds: least, median, most."""

    least: float
    median: float
    most: float

    def __str__(self) -> str:
        return f"{self.median * 1e3:.1f} ms ({self.least * 1e3:.1f} to {self.most * 1e3:.1f})"


class Row(NamedTuple):
    """One comparison. `goal` is the highest ratio that is asked for; `least` and `most` are the pairs' ratios."""

    what: str
    against: str
    ours: Spread
    theirs: Spread
    ratio: float
    goal: float | None
    note: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def missed(self) -> bool:
        return self.goal is not None and round(self.ratio, 2) > self.goal


def run(argv: Sequence[str], *, cwd: str | None = None, env: dict[str, str] | None = None) -> None:
    """Runs a command to its end; a failing one stops the benchmark with what it printed."""
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True)
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr.decode()}{done.stdout.decode()}"
        )


def seconds(action: Action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def spread(values: Sequence[float]) -> Spread:
    return Spread(min(values), statistics.median(values), max(values))


def compare(
    what: str,
    ours: Action,
    against: str,
    theirs: Action,
    *,
    rounds: int,
    goal: float | None,
    note: str = "",
    rest: float = 0.0,
) -> Row:
    """Both in turn, `rounds` times after one warm-up; the ratio is the median of the pairs' ratios.

    `rest` is in seconds: what goes on behind a command must fall on neither. Then both begin with nothing waiting for
    the disk, and are woken first, so that an idle processor's first milliseconds fall on neither too.
    """

    def rested(action: Action) -> float:
        if rest:
            time.sleep(rest)
            settle()
            for _ in range(3):
                run([sys.executable, "-I", "-c", "pass"])
                run(["git", "--version"])
        return seconds(action)

    ours(), theirs()
    pairs = [(rested(ours), rested(theirs)) for _ in range(rounds)]
    return row_of(what, against, pairs, goal=goal, note=note)


def row_of(what: str, against: str, pairs: Sequence[tuple[float, float]], *, goal: float | None, note: str = "") -> Row:
    """The row of pairs of seconds, okstra's first."""
    mine, others = zip(*pairs, strict=True)
    ratios = spread([own / other for own, other in pairs])
    return Row(what, against, spread(mine), spread(others), ratios.median, goal, note, ratios.least, ratios.most)


def settle() -> None:
    """Lets the disk finish what is waiting for it."""
    os.sync()
