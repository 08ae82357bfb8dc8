"""Every check of a run's record (id, meaning, remedy), and the values that checks read and return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..names import RunId
from ..paths import RunFiles
from ..quoting import quote
from ..settings.phases import Phase

GROUPS = ("files", "results", "report", "phase", "pages")
Document = Mapping[str, Any]
_RESTORE = "restore the file, or do the work again: okstra rerun {run}"
_AGAIN = "do the work again: okstra rerun {run}"
_EDITED = "somebody changed the file after the run: restore it, or do the work again: okstra rerun {run}"
_RENDER = "okstra report render {run}"


class Check(NamedTuple):
    """`meaning` describes what was found; `remedy`, what to do about it, may contain `{run}`."""

    group: str
    meaning: str
    remedy: str


CHECKS = {
    "file-missing": Check("files", "a file that such a run has is not there", _RESTORE),
    "file-unreadable": Check("files", "a file can't be read, or is no JSON", _RESTORE),
    "schema-broken": Check("files", "a file breaks its JSON Schema", _RESTORE),
    "row-broken": Check("files", "a line of a JSONL file is no JSON, or breaks its JSON Schema", _RESTORE),
    "identity-foreign": Check("files", "a file names another run or task than the one it lies with", _RESTORE),
    "result-missing": Check("results", "a worker is recorded as completed, and its file is not there", _RESTORE),
    "result-broken": Check("results", "a file of a worker that completed breaks a rule", _EDITED),
    "result-changed": Check("results", "a file is not the one that okstra took over from its worker", _EDITED),
    "event-open": Check("results", "a dispatch never ended, though the run did", _AGAIN),
    "finding-lost": Check("report", "a finding of the convergence state is not in the report", _EDITED),
    "finding-added": Check("report", "the report has a finding that the convergence state has not", _EDITED),
    "finding-changed": Check("report", "report and convergence state disagree about a finding", _EDITED),
    "gate-changed": Check("report", "report, manifest and convergence state disagree about a gate", _EDITED),
    "outcome-unearned": Check("report", "the manifest's outcome is not what the report's gates give", _EDITED),
    "execution-changed": Check("report", "report and events disagree about a worker", _EDITED),
    "usage-changed": Check("report", "the report's tokens or cost are not what the events sum up to", _EDITED),
    "isolation-changed": Check("report", "report and isolation receipt disagree about what was changed", _EDITED),
    "answer-lost": Check("report", "an answer that the run was given is not in its report", _EDITED),
    "token-unknown": Check("phase", "the verdict is none of the phase's", _EDITED),
    "token-unearned": Check("phase", "the verdict is better than gates, findings or checks allow", _EDITED),
    "part-empty": Check("phase", "a field that the phase's part must have is empty", "okstra resume {run}"),
    "plan-broken": Check("phase", "the plan breaks a rule of the Stage Map", "mend the plan: okstra plan check PLAN"),
    "check-unrecorded": Check("phase", "a verdict rests on a check of which there is no green record", _AGAIN),
    "commit-missing": Check("phase", "a stage is reported as done, and the report names no commit", _AGAIN),
    "page-missing": Check("pages", "a page of the report is not there", _RENDER),
    "page-stale": Check("pages", "a page is not what the report's data gives", _RENDER),
}


class Fault(NamedTuple):
    """One finding of a check: `id` is a key of `CHECKS`, `line` 1-based."""

    id: str
    file: str
    line: int
    message: str

    def remedy(self, run: RunId) -> str:
        return CHECKS[self.id].remedy.replace("{run}", quote(str(run)))


class RunRecords(NamedTuple):
    """One run's record, as far as it could be read. `usage` is the sum of the events; `answered` are the report rows
    that a person's answers must have produced."""

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
        """Whether the run reached its report, successful or not."""
        return self.manifest.get("outcome") in ("completed", "failed", "contract-violated")

    @property
    def was_led(self) -> bool:
        """Whether okstra itself led the run: an interactive lead's events do not record every dispatch."""
        return any(row.get("event") == "started" for row in self.events)

    def in_report(self, id_: str, message: str, near: str = "") -> Fault:
        """A fault of the report's data, at the first line that contains `near`."""
        place = self.report_text.find(near) if near else -1
        line = self.report_text.count("\n", 0, place) + 1 if place >= 0 else 1
        return Fault(id_, self.files.report_data, line, message)


def last_rows(events: Sequence[Document]) -> dict[tuple[str, str], Document]:
    """The newest `dispatched` or `ended` row of each assignment, by worker and label."""
    rows = [row for row in events if row.get("event") in ("dispatched", "ended")]
    return {(str(row.get("worker")), str(row.get("label"))): row for row in rows}
