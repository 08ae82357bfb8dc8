"""Whether the report says what the run's other records say: nobody can drop a finding, or mend a gate, afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..names import IMPLEMENTATION
from ..report.outcome import outcome_of
from .records import Document, Fault, RunRecords


def check_report(records: RunRecords) -> Iterator[Fault]:
    report = records.report
    if report is None:
        return
    yield from _findings(records, report)
    yield from _gates(records, report)
    yield from _outcome(records, report)
    yield from _isolation(records, report)
    yield from _answers(records, report)
    if records.was_led:
        yield from _execution(records, report)
        if report["usage"] != records.usage:
            yield records.in_report("usage-changed", "tokens or cost are not what the events sum up to", '"usage"')


def _findings(records: RunRecords, report: Document) -> Iterator[Fault]:
    if records.convergence is None or records.id.task_type == IMPLEMENTATION:
        return
    settled = {one["id"]: one for one in records.convergence["findings"]}
    told = {one["id"]: one for one in report["findings"]}
    for name, finding in settled.items():
        if name not in told:
            yield records.in_report("finding-lost", f"{name} ({finding['title']}) is not there", '"findings": [')
        elif told[name] != finding:
            yield records.in_report("finding-changed", f"{name}: {_differences(told[name], finding)}", f'"{name}"')
    for name in told.keys() - settled.keys():
        yield records.in_report("finding-added", f"{name} was never converged", f'"{name}"')


def _differences(told: Mapping[str, Any], settled: Mapping[str, Any]) -> str:
    fields = [name for name in settled if told.get(name) != settled[name]]
    shown = [f"{name} is {told.get(name)!r}, was {settled[name]!r}"[:200] for name in fields[:3]]
    return "; ".join(shown) or "it has fields that it had not"


def _gates(records: RunRecords, report: Document) -> Iterator[Fault]:
    told = {name: gate["gate"] for name, gate in report["gates"].items()}
    kept = records.manifest.get("gates")
    if records.ended and told != kept:
        names = sorted(name for name in {*told, *(kept or {})} if told.get(name) != (kept or {}).get(name))
        yield records.in_report("gate-changed", f"the manifest says other of {', '.join(names)}", '"gates"')
    if (
        records.convergence is not None
        and told.get("convergence", records.convergence["gate"]) != (records.convergence["gate"])
    ):
        message = f"convergence is {told['convergence']}, its state says {records.convergence['gate']}"
        yield records.in_report("gate-changed", message, '"convergence"')


def _outcome(records: RunRecords, report: Document) -> Iterator[Fault]:
    outcome = records.manifest.get("outcome")
    wanted = outcome_of(report)
    if records.ended and outcome != wanted:
        message = f"the outcome is {outcome}; the report's gates and breaches give {wanted}"
        yield Fault("outcome-unearned", records.files.manifest, 1, message)


def _isolation(records: RunRecords, report: Document) -> Iterator[Fault]:
    receipt = records.isolation
    if receipt is None:
        return
    for name in ("breaches", "notes"):
        reported, kept = report["isolation"].get(name, []), receipt.get(name, [])
        if reported != kept:
            message = f"the report has {len(reported)} {name}, the receipt {len(kept)}, and they are not the same"
            yield records.in_report("isolation-changed", message, '"isolation"')


def _answers(records: RunRecords, report: Document) -> Iterator[Fault]:
    for row in records.answered:
        if row not in report["clarifications"]:
            yield records.in_report("answer-lost", f"{row['id']} was answered", '"clarifications"')


def _execution(records: RunRecords, report: Document) -> Iterator[Fault]:
    ends: dict[str, list[Document]] = {}
    for event in records.events:
        if event.get("event") == "ended":
            ends.setdefault(str(event.get("worker")), []).append(event)
    for row in report["execution"]:
        worker, mine = row["worker"], ends.get(row["worker"], [])
        outcomes = {str(end.get("outcome")) for end in mine}
        if row["outcome"] not in (outcomes or {"not-run", "completed"}):  # without a turn: an interactive lead's
            message = f"{worker} is told as {row['outcome']}; its turns ended as {', '.join(sorted(outcomes)) or '-'}"
            yield records.in_report("execution-changed", message, f'"worker": "{worker}"')
        models = [str(end["model"]) for end in mine if end.get("model")]
        if row["model_observed"] != (models[-1] if models else None):
            message = f"{worker} answered as {models[-1] if models else 'no model that is known'}"
            yield records.in_report("execution-changed", message, f'"worker": "{worker}"')
