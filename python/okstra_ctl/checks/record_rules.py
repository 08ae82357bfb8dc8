"""The rules of a run's record: the phase's verdict, the report against the other records, the workers' results
(docs/design/leading.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..names import IMPLEMENTATION, PLANNING
from ..report.outcome import allowed_tokens, outcome_of
from ..report.parts import Schema, left_empty, phase_schema
from ..results.records import Gate, Problem
from .catalog import Document, Fault, RunRecords, last_rows

_BY_OKSTRA = "lead"
_AFTER_THE_VERDICT = ("isolation", "critic", "report")
_GRAVE = ("critical", "high")
_REPORT_WRITER = "report-writer"
Asked = tuple[str, str]
"""A worker, and the label of what it was asked."""


def check_phase(records: RunRecords, schema: Schema) -> Iterator[Fault]:
    """The report's phase section and verdict. `schema` is the report's."""
    report = records.report
    if report is None:
        return
    tokens = records.phase.verdict_tokens
    token = report["verdict"]["token"]
    if token not in tokens:
        message = f"{token!r} is none of {', '.join(tokens)}"
        yield records.in_report("token-unknown", message, '"token"')
        return
    if report["author"]["worker"] != _BY_OKSTRA:
        shape = phase_schema(schema, records.id.task_type)
        for name in left_empty(shape, report["phase"]):
            yield records.in_report("part-empty", f"phase.{name} is empty", f'"{name}"')
    if token != tokens[-1]:
        yield from _unearned(records, report, token)
    if records.id.task_type == IMPLEMENTATION and token == tokens[0]:
        yield from _stage_done(records, report)
    if records.id.task_type == "final-verification" and token == tokens[0]:
        yield from _accepted(records)


def _unearned(records: RunRecords, report: Document, token: str) -> Iterator[Fault]:
    """The reasons why the run has to have the worst verdict."""
    gates = {name: Gate(gate["gate"]) for name, gate in report["gates"].items() if name not in _AFTER_THE_VERDICT}
    if token not in allowed_tokens(records.phase.verdict_tokens, gates):
        shut = ", ".join(name for name, gate in gates.items() if not gate.open)
        yield records.in_report("token-unearned", f"{token}, with {shut} shut", '"token"')
    if records.id.task_type == PLANNING and gates.get("plan") is Gate.BLOCKED:
        yield records.in_report("token-unearned", f"{token}, though analysts block the plan", '"token"')
    if records.id.task_type == "final-verification":
        grave = [one["id"] for one in report["findings"] if one["status"] == "open" and one["severity"] in _GRAVE]
        if grave:
            yield records.in_report("token-unearned", f"{token}, with {', '.join(grave)} open", '"token"')


def _stage_done(records: RunRecords, report: Document) -> Iterator[Fault]:
    record = records.exit_check
    if record is None or record["exit"] != 0:
        result = f"exit {record['exit']}" if record else "no record"
        yield Fault("check-unrecorded", records.files.exit_check, 1, f"the stage's exit check: {result}")
    reasons = record["reasons"] if record else {}
    if records.manifest.get("base_commit") and not report["commits"] and not reasons.get("no_change"):
        yield records.in_report("commit-missing", "the stage is done, and no commit is named", '"commits"')


def _accepted(records: RunRecords) -> Iterator[Fault]:
    checks = records.qa["checks"] if records.qa else []
    red = [f"`{one['command']}` exit {one['exit']}" for one in checks if one["exit"] != 0]
    if red or not checks:
        result = "; ".join(red) or "none was run"
        yield Fault("check-unrecorded", records.files.qa, 1, f"accepted, and of the project's checks: {result}")


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
    reported = {one["id"]: one for one in report["findings"]}
    for name, finding in settled.items():
        if name not in reported:
            yield records.in_report("finding-lost", f"{name} ({finding['title']}) is not there", '"findings": [')
        elif reported[name] != finding:
            yield records.in_report("finding-changed", f"{name}: {_differences(reported[name], finding)}", f'"{name}"')
    for name in reported.keys() - settled.keys():
        yield records.in_report("finding-added", f"{name} was never converged", f'"{name}"')


def _differences(reported: Mapping[str, Any], settled: Mapping[str, Any]) -> str:
    fields = [name for name in settled if reported.get(name) != settled[name]]
    shown = [f"{name} is {reported.get(name)!r}, was {settled[name]!r}"[:200] for name in fields[:3]]
    return "; ".join(shown) or "it has fields that it had not"


def _gates(records: RunRecords, report: Document) -> Iterator[Fault]:
    reported = {name: gate["gate"] for name, gate in report["gates"].items()}
    kept = records.manifest.get("gates")
    if records.ended and reported != kept:
        names = sorted(name for name in {*reported, *(kept or {})} if reported.get(name) != (kept or {}).get(name))
        yield records.in_report("gate-changed", f"the manifest differs on {', '.join(names)}", '"gates"')
    settled = records.convergence["gate"] if records.convergence is not None else None
    if settled is not None and reported.get("convergence", settled) != settled:
        message = f"convergence is {reported['convergence']}, its state says {settled}"
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
            message = (
                f"{worker} is reported as {row['outcome']}; its turns ended as {', '.join(sorted(outcomes)) or '-'}"
            )
            yield records.in_report("execution-changed", message, f'"worker": "{worker}"')
        models = [str(end["model"]) for end in mine if end.get("model")]
        if row["model_observed"] != (models[-1] if models else None):
            message = f"{worker} answered as {models[-1] if models else 'no model that is known'}"
            yield records.in_report("execution-changed", message, f'"worker": "{worker}"')


class ResultFile(NamedTuple):
    """The file at a worker's result path; `problems` is None when there is none. `changed`: it is not what okstra took
    over when the worker ended."""

    path: str
    problems: list[Problem] | None
    changed: bool = False


def check_workers(records: RunRecords, found: Mapping[Asked, ResultFile]) -> list[Fault]:
    return [*_results(found), *(_open_dispatches(records) if records.ended else [])]


def awaited(records: RunRecords) -> list[Asked]:
    """The assignments whose results must exist: those complete by the events, or by the report for workers without
    events. The report writer's is left to another check."""
    rows = last_rows(records.events)
    stream = {worker for worker, _ in rows}
    execution = records.report["execution"] if records.report else []
    keys = [key for key, row in rows.items() if row.get("outcome") == "completed"]
    keys += [(row["worker"], "") for row in execution if row["outcome"] == "completed" and row["worker"] not in stream]
    writers = {row["id"] for row in records.manifest["roster"] if row["role"] == _REPORT_WRITER}
    return [key for key in keys if key[0] not in writers]


def _results(found: Mapping[Asked, ResultFile]) -> Iterator[Fault]:
    for (worker, label), left in found.items():
        if left.problems is None:
            asked = f" ({label})" if label else ""
            yield Fault("result-missing", left.path, 1, f"{worker}{asked} completed, and this file is not there")
        if left.changed:
            yield Fault("result-changed", left.path, 1, f"it is not what {worker} left when it ended")
        for problem in left.problems or []:
            yield Fault("result-broken", left.path, problem.line, f"{problem.message} ({problem.rule})")


def _open_dispatches(records: RunRecords) -> Iterator[Fault]:
    for (worker, label), row in last_rows(records.events).items():
        if row["event"] == "dispatched":
            line = 1 + next(place for place, event in enumerate(records.events) if event is row)
            asked = f" for {label}" if label else ""
            yield Fault("event-open", records.files.events, line, f"{worker} was dispatched{asked} and never ended")
