"""What a run's report says, in a few lines: verdict, findings by severity, gates with their reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import OkstraError
from ..results.records import FindingSeverity
from ..runs.find import KnownRun
from ..system import files

_REFUTED = "refuted"


class Summary(NamedTuple):
    """Empty texts, and no rows, where there is no report yet."""

    verdict: str = ""
    conclusion: str = ""
    findings: tuple[tuple[str, int], ...] = ()
    gates: tuple[tuple[str, str, str], ...] = ()

    @property
    def counts(self) -> str:
        """`2 high, 1 low`."""
        return ", ".join(f"{count} {severity}" for severity, count in self.findings)


def summary_of(run: KnownRun) -> Summary:
    """It is for people: what can't be read is left out."""
    try:
        report = files.read_json(run.files.report_data) or {}
    except OkstraError:
        return Summary()
    verdict = _mapping(report.get("verdict"))
    rows = report.get("findings")
    counted = Counter(
        str(one.get("severity", ""))
        for one in (rows if isinstance(rows, list) else [])
        if isinstance(one, Mapping) and one.get("class") != _REFUTED
    )
    gates = tuple(
        (name, str(gate.get("gate", "")), str(gate.get("note", "")))
        for name, gate in _mapping(report.get("gates")).items()
        if isinstance(gate, Mapping)
    )
    order = [str(severity) for severity in FindingSeverity]
    findings = tuple((severity, counted[severity]) for severity in order if counted[severity])
    return Summary(str(verdict.get("token", "")), str(verdict.get("conclusion", "")), findings, gates)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
