"""The table of the kill matrix in docs/reliability.md: a row that was run takes the place of its older one.

Each row is written when it is through, so that a run which is cut short keeps what it has.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from . import figures

_HEAD = "| command | fault | points | struck | wrong | seconds | on | git |"
_FAULTS = {
    "group": "process group killed",
    "leader": "okstra alone killed, its git goes on",
    "git": "its git alone killed",
    "torn": "killed in the middle of a write",
    "enospc": "ENOSPC once",
    "full": "ENOSPC from then on",
    "eio": "EIO once",
    "interrupt": "Ctrl-C heard right after",
    "twice": "killed, then what repairs it killed",
}


OF_QUARANTINES = ("quarantine made", "quarantine worked in", "quarantine taken home", "quarantine taken home, reftable")
"""Rows of `tests/quarantine/test_killed.py`, after those of the commands."""


class Line(NamedTuple):
    """One line of the table: points found, points struck, wrong ones."""

    command: str
    fault: str
    points: int
    struck: int
    wrong: int
    seconds: int
    on: str
    git: str

    def text(self) -> str:
        return f"| {' | '.join(map(str, self))} |"

    @classmethod
    def parse(cls, text: str) -> Line | None:
        cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
        if len(cells) != len(cls._fields) or not cells[2].isdigit():
            return None
        command, fault, points, struck, wrong, seconds, on, git = cells
        return cls(command, fault, int(points), int(struck), int(wrong), int(seconds), on, git)


def record(
    command: str, fault: str, *, points: int, struck: int, wrong: int, seconds: int, order: Sequence[str]
) -> None:
    """Keeps the line, and prints it."""
    version = subprocess.run(["git", "version"], capture_output=True, text=True).stdout.split()[2]
    line = Line(command, _FAULTS[fault], points, struck, wrong, seconds, time.strftime("%Y-%m-%d"), version)
    print(line.text())
    figures.keep("kill matrix", lambda table: merge(table, line, order))


def merge(table: str, line: Line, order: Sequence[str]) -> str:
    """The table with that line in it. Lines stand in the order of the commands, then of the faults."""
    known = [found for text in table.splitlines() if (found := Line.parse(text)) is not None]
    lines = {(one.command, one.fault): one for one in known if one.command in order}
    lines[line.command, line.fault] = line
    faults = list(_FAULTS.values())
    ordered = sorted(lines.values(), key=lambda one: (order.index(one.command), faults.index(one.fault)))
    sums = [sum(getattr(one, field) for one in ordered) for field in ("points", "struck", "wrong", "seconds")]
    last = f"| **all** | | {' | '.join(f'**{number}**' for number in sums)} | | |"
    return "\n".join([_HEAD, "|---|---|---|---|---|---|---|---|", *(one.text() for one in ordered), last])
