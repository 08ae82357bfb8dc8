"""The phases and their rules, from the one table in `prompts/phases.toml` (docs/reference/phases.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import UsageError
from ..names import BRANCH_PREFIXES, DEFAULT_CATEGORY, REVIEW

SOURCE_EDITS = ("none", "stage", "chosen")
# Phases that investigate or plan must have a request.
NEED_REQUEST = ("requirements-discovery", "improvement-discovery", "error-analysis", "implementation-planning", REVIEW)
MODES = ("lightweight", "full-reanalysis")


class Phase(NamedTuple):
    """One task type. `workers` are the analysis providers it takes by default; `roles` those it declares.

    `verdict_tokens` are what the report may conclude, best first; `worker_verdicts` what an analyst or verifier
    must conclude (empty: nothing is asked).
    """

    task_type: str
    title: str
    summary: str
    report_holds: tuple[str, ...]
    source_edits: str
    allowed: tuple[str, ...]
    forbidden: tuple[str, ...]
    usual_next: str
    verdict_tokens: tuple[str, ...]
    worker_verdicts: tuple[str, ...]
    roles: tuple[str, ...]
    workers: tuple[str, ...]
    max_rounds: int
    adversarial: bool
    soft_limit_minutes: int
    hard_limit_minutes: int
    work_category: str
    """The category of a task that starts with this phase, unless another is given."""


class PhaseTable(NamedTuple):
    """All phases by task type, in the order of the file."""

    phases: Mapping[str, Phase]

    def get(self, task_type: str) -> Phase:
        """Raises UsageError (`unknown-phase`)."""
        phase = self.phases.get(task_type)
        if phase is None:
            raise UsageError(
                "unknown-phase", f"there is no task type {task_type!r}", hint="one of: " + ", ".join(self.phases)
            )
        return phase


def phase_table(document: Mapping[str, object]) -> PhaseTable:
    """Builds the table from parsed TOML. Raises ValueError when a phase lacks a field: a damaged installation."""
    phases = {}
    for task_type, fields in document.items():
        if not isinstance(fields, Mapping):
            raise ValueError(f"{task_type} is not a table")
        phases[task_type] = _phase(task_type, fields)
    return PhaseTable(phases)


def _phase(task_type: str, fields: Mapping[str, object]) -> Phase:
    def text(name: str) -> str:
        return str(fields[name])

    def texts(name: str) -> tuple[str, ...]:
        values = fields[name]
        if not isinstance(values, list):
            raise ValueError(f"{task_type}.{name} is not a list")
        return tuple(str(value) for value in values)

    try:
        phase = Phase(
            task_type,
            text("title"),
            text("summary"),
            texts("report_holds"),
            text("source_edits"),
            texts("allowed"),
            texts("forbidden"),
            text("usual_next"),
            texts("verdict_tokens"),
            texts("worker_verdicts") if "worker_verdicts" in fields else (),
            texts("roles"),
            texts("workers"),
            int(text("max_rounds")),
            fields["adversarial"] is True,
            int(text("soft_limit_minutes")),
            int(text("hard_limit_minutes")),
            text("work_category") if "work_category" in fields else DEFAULT_CATEGORY,
        )
    except KeyError as missing:
        raise ValueError(f"{task_type} lacks {missing}") from None
    if phase.work_category not in BRANCH_PREFIXES:
        raise ValueError(f"{task_type}.work_category is {phase.work_category!r}")
    if phase.source_edits not in SOURCE_EDITS:
        raise ValueError(f"{task_type}.source_edits is {phase.source_edits!r}")
    return phase
