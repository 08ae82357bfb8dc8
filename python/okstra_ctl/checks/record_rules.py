"""What each phase's report must hold, and what its verdict must rest on (spec 3, "Phases"; spec 5, "Fail closed")."""

from __future__ import annotations

from collections.abc import Iterator

from ..names import IMPLEMENTATION, PLANNING
from ..report.parts import Schema, left_empty, phase_schema
from ..report.tokens import allowed_tokens
from ..results.findings import Gate
from .records import Document, Fault, RunRecords

_BY_OKSTRA = "lead"
_AFTER_THE_VERDICT = ("isolation", "critic", "report")
_GRAVE = ("critical", "high")


def check_phase(records: RunRecords, schema: Schema) -> Iterator[Fault]:
    """`schema` is the report's."""
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
    """Why the verdict may be no better than the worst."""
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
        told = f"exit {record['exit']}" if record else "no record"
        yield Fault("check-unrecorded", records.files.exit_check, 1, f"the stage's exit check: {told}")
    reasons = record["reasons"] if record else {}
    if records.manifest.get("base_commit") and not report["commits"] and not reasons.get("no_change"):
        yield records.in_report("commit-missing", "the stage is done, and no commit is named", '"commits"')


def _accepted(records: RunRecords) -> Iterator[Fault]:
    checks = records.qa["checks"] if records.qa else []
    red = [f"`{one['command']}` exit {one['exit']}" for one in checks if one["exit"] != 0]
    if red or not checks:
        told = "; ".join(red) or "none was run"
        yield Fault("check-unrecorded", records.files.qa, 1, f"accepted, and of the project's checks: {told}")
