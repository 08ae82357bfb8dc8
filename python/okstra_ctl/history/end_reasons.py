"""Why a run failed or was interrupted: what its events and its report record of its end.

That it is interrupted is decided in `status.py`; `lead/conductor.py` records the end of a run that got no report.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import OkstraError
from ..report.outcome import CRITIC_GATE
from ..results.records import Gate
from ..runs.events import events_of, faults_of
from ..runs.find import KnownRun
from ..status import RunStatus
from ..system import files

_MOST = 400
_ENDED_BADLY = (RunStatus.FAILED, RunStatus.CONTRACT_VIOLATED, RunStatus.INTERRUPTED)


def end_reason(run: KnownRun, status: str) -> str:
    """Empty for a run that goes on, or ended well. It is for people: what can't be read is left out."""
    if status not in map(str, _ENDED_BADLY):
        return ""
    try:
        rows = events_of(run.files)
        report = files.read_json(run.files.report_data) or {}
    except OkstraError:
        return ""
    said = [str(row["reason"]) for row in rows if row.get("reason") and row.get("event") == status]
    parts = [*_gates(report.get("gates")), *(f"{worker}: {why}" for worker, why in faults_of(rows).items())]
    if said or not parts:
        parts = said[-1:]
    if not parts and status == RunStatus.INTERRUPTED:
        parts = ["whoever led it has ended"]
    return "; ".join(parts)[:_MOST]


def closed_gates(run: KnownRun) -> list[str]:
    """The gates of its report that did not open, each with its note; none where there is no report to read."""
    try:
        report = files.read_json(run.files.report_data) or {}
    except OkstraError:
        return []
    return _gates(report.get("gates"))


def _gates(gates: Any) -> list[str]:
    rows = gates.items() if isinstance(gates, Mapping) else ()
    closed = [(name, row) for name, row in rows if name != CRITIC_GATE and not Gate(row["gate"]).open]
    return [f"{name} {row['gate']}" + (f" ({row['note']})" if row.get("note") else "") for name, row in closed]
