"""What a person does next about a run, by its status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from .quoting import okstra_command
from .status import RunStatus

# In the order of urgency.
OPEN = (
    RunStatus.CONTRACT_VIOLATED,
    RunStatus.FAILED,
    RunStatus.INTERRUPTED,
    RunStatus.RUNNING,
    RunStatus.RESERVED,
    RunStatus.PREPARED,
)

_AGAIN = (RunStatus.FAILED, RunStatus.CONTRACT_VIOLATED)


class Listed(Protocol):
    """A row of a listing of runs."""

    @property
    def run_id(self) -> str: ...
    @property
    def stage(self) -> int | None: ...
    @property
    def status(self) -> str: ...


class _Place(NamedTuple):
    """A run's phase (and stage), and its number there, so that a later one is greater."""

    phase: str
    number: tuple[int, str]


def overtaken(rows: Iterable[Listed]) -> set[str]:
    """The runs that failed and have a later one of their phase and stage: nothing is to be done about them.

    Of a stage also those that were interrupted: the later one holds it now.
    """
    rows = list(rows)
    newest: dict[str, tuple[int, str]] = {}
    for row in rows:
        phase, number = _place(row.run_id)
        newest[phase] = max(newest.get(phase, number), number)
    found = set()
    for row in rows:
        phase, number = _place(row.run_id)
        ended = (*_AGAIN, RunStatus.INTERRUPTED) if row.stage is not None else _AGAIN
        if row.status in ended and number != newest[phase]:
            found.add(row.run_id)
    return found


def _place(run_id: str) -> _Place:
    phase, _, number = run_id.rpartition("/")
    return _Place(phase, (len(number), number))


def next_step(status: str, run_id: str, *, stage: bool) -> str:
    """A command to paste; empty when there is nothing to do."""
    if status == RunStatus.RUNNING:
        return okstra_command("wait", run_id)
    if status in (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.PREPARED):
        return okstra_command("resume", run_id)
    if status == RunStatus.RESERVED:
        return okstra_command("stage", "done", "--run", run_id) if stage else okstra_command("resume", run_id)
    return okstra_command("show", run_id) if status == RunStatus.CONTRACT_VIOLATED else ""
