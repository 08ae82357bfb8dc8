"""What a run with this report ended as (spec 4, run manifest: "outcome"; spec 5, "Guard" and "Fail closed")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..outcomes import RunOutcome
from ..results.findings import Gate

CRITIC_GATE = "critic"  # told only: what the critic did not say shuts nothing
RECORD_GATE = "record"  # there when the run's own record does not hold together


def closed_gates(report: Mapping[str, Any]) -> list[str]:
    """The gates that fail the run. A plan that its analysts block is work that was done; a gate that failed or was
    never answered is not."""
    gates = {name: Gate(gate["gate"]) for name, gate in report["gates"].items() if name != CRITIC_GATE}
    return [name for name, gate in gates.items() if not gate.open and gate is not Gate.BLOCKED]


def outcome_of(report: Mapping[str, Any]) -> RunOutcome:
    closed = closed_gates(report)
    if report["isolation"]["breaches"] or RECORD_GATE in closed:
        return RunOutcome.CONTRACT_VIOLATED
    return RunOutcome.FAILED if closed else RunOutcome.COMPLETED


def overrules_in(report: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """A person's words past the gates, in order: also of an earlier version's report, which kept one alone."""
    first = [report["overrule"]] if "overrule" in report else []
    return [*first, *report.get("overrules", ())]
