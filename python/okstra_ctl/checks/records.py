"""What the checks of a run look at, and what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..names import RunId
from ..paths import RunFiles
from ..quoting import quote
from ..settings.phases import Phase
from .catalog import CHECKS

Document = Mapping[str, Any]


class Fault(NamedTuple):
    """One finding of a check: `id` is a key of `CHECKS`, `line` 1-based."""

    id: str
    file: str
    line: int
    message: str

    def remedy(self, run: RunId) -> str:
        return CHECKS[self.id].remedy.replace("{run}", quote(str(run)))


class RunRecords(NamedTuple):
    """One run's record, as far as it could be read. `usage` is what the events sum up to; `answered` are the rows
    that a person's answers must have given."""

    id: RunId
    files: RunFiles
    phase: Phase
    manifest: Document
    events: Sequence[Document]
    report: Document | None
    report_text: str
    convergence: Document | None
    isolation: Document | None
    qa: Document | None
    exit_check: Document | None
    usage: Document | None
    answered: Sequence[Document]

    @property
    def ended(self) -> bool:
        """Whether the run came to its report, well or not."""
        return self.manifest.get("outcome") in ("completed", "failed", "contract-violated")

    @property
    def was_led(self) -> bool:
        """By okstra itself: an interactive lead's events do not tell every dispatch."""
        return any(row.get("event") == "started" for row in self.events)

    def in_report(self, id_: str, message: str, near: str = "") -> Fault:
        """A fault of the report's data, at the first line that holds `near`."""
        place = self.report_text.find(near) if near else -1
        line = self.report_text.count("\n", 0, place) + 1 if place >= 0 else 1
        return Fault(id_, self.files.report_data, line, message)


def last_rows(events: Sequence[Document]) -> dict[tuple[str, str], Document]:
    """The newest `dispatched` or `ended` row of each thing that a worker was asked, by worker and label."""
    rows = [row for row in events if row.get("event") in ("dispatched", "ended")]
    return {(str(row.get("worker")), str(row.get("label"))): row for row in rows}
