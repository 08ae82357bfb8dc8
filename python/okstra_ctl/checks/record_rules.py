"""Every check of a run's record (id, meaning, remedy), and its rules: the phase's verdict, the report against the other
records, the workers' results (docs/design/leading.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..names import IMPLEMENTATION, PLANNING, RunId
from ..paths import RunFiles
from ..quoting import quote
from ..report.outcome import allowed_tokens, outcome_of
from ..report.parts import Schema, left_empty, phase_schema
from ..results.records import Gate, Problem
from ..settings.phases import Phase

GROUPS = ("files", "results", "report", "phase", "pages", "seal")
Document = Mapping[str, Any]
_RESTORE = "restore the file, or do the work again: okstra run --again {run}"
_AGAIN = "do the work again: okstra run --again {run}"
_EDITED = "somebody changed the file after the run: restore it, or do the work again: okstra run --again {run}"
_SEALS = "compare it with a backup, or with a signed row: okstra seal verify --signed FILE"
_RENDER = "okstra report render {run}"
_BY_OKSTRA = "lead"
_AFTER_THE_VERDICT = ("isolation", "critic", "report")
_GRAVE = ("critical", "high")
_REPORT_WRITER = "report-writer"


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
    "mark-unearned": Check(
        "report", "a command or finding is marked as okstra's record of commands does not say", _EDITED
    ),
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
    "seal-differs": Check("seal", "a file is not what it was when the run ended", _EDITED),
    "seal-chain": Check("seal", "a row of the project's seals is damaged, or does not follow the last", _SEALS),
    "seal-unreadable": Check("seal", "the project's seals can't be read", _SEALS),
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
    evidence: Document | None
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
