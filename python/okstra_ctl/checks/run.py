"""`okstra check run`: checks everything that a run left against its schemas, its rules, and itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import Unreadable
from ..home_paths import HomePaths
from ..names import PLANNING
from ..report.own_pages import PageState
from ..report.store import compared
from ..results.records import MAX_BYTES, Problem
from ..runs.events import DIGEST, REPORT_WRITTEN, digest_of, is_same, newest
from ..runs.find import KnownRun
from ..runs.user_response import answers_of_run
from ..seals import store as seals
from ..seals.rows import SEALED
from ..settings.phases import phase_table
from ..system import assets, files, foreign_files
from ..system.assets import problems_of
from ..system.text import loads
from ..usage.tokens import usage_of
from .mark_rules import check_marks
from .record_rules import (
    CHECKS,
    GROUPS,
    Asked,
    Fault,
    ResultFile,
    RunRecords,
    awaited,
    check_phase,
    check_report,
    check_workers,
)
from .result import Expected, problems_of_text

# The documents of a run by their names in RunFiles, with their schemas; and those that every run has.
_DOCUMENTS = {
    "manifest": "run-manifest",
    "run_context": "run-context",
    "team_state": "team-state",
    "convergence": "convergence",
    "isolation": "isolation",
    "guard_rules": "guard",
    "qa": "qa",
    "exit_check": "exit-check",
    "evidence": "evidence",
    "report_draft": "report-draft",
    "report_data": "final-report",
}
_ALWAYS = ("manifest", "run_context", "team_state", "events", "launch_prompt")
_WHEN_LED = ("report_data", "report_draft", "isolation", "guard_rules")


class RunCheck(NamedTuple):
    """`checked` counts the files that were checked; `notes` are changes beside the run, which are no faults; `sealed`:
    when the run was sealed, empty when it has no seal or was reopened since."""

    faults: tuple[Fault, ...]
    checked: int
    notes: tuple[Mapping[str, str], ...] = ()
    sealed: str = ""


def check_run(
    run: KnownRun, groups: tuple[str, ...] = GROUPS, *, home: HomePaths | None = None, about_to_end: bool = False
) -> RunCheck:
    """All faults of the run's record, in these groups. Reads only. Raises Missing, Unreadable (the plan).

    `home`: compare with the seals there as well. `about_to_end`: the run's manifest is checked as given, not as it is
    on disk.
    """
    documents: dict[str, dict[str, Any]] = {}
    events: list[dict[str, Any]] = []
    faults = [
        *_check_documents(run, documents, given={"manifest": dict(run.manifest)} if about_to_end else {}),
        *_check_rows(run, run.files.events, "event-row", events),
        *_check_rows(run, run.files.errors, "error-row", []),
    ]
    sealed, broken = _check_seal(run, home) if home is not None and "seal" in groups else ("", [])
    if "manifest" not in documents:  # without it nothing else can be checked
        return RunCheck(_of(groups, [*faults, *broken]), len(documents), sealed=sealed)
    records = _records(run, documents, events)
    faults += _check_presence(run, records)
    faults += _check_results(run, records)
    if records.ended:
        faults += _check_report_data(run, records)
        faults += check_report(records)
        faults += check_marks(records)
        faults += check_phase(records, assets.schema("final-report"))
        faults += _check_plan(run, records)
        faults += _check_pages(run, records)
    notes = tuple(records.isolation.get("notes", ())) if records.isolation else ()
    return RunCheck(_of(groups, [*faults, *broken]), len(documents) + len(awaited(records)), notes, sealed)


def _of(groups: tuple[str, ...], faults: list[Fault]) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if CHECKS[fault.id].group in groups)


def _check_documents(
    run: KnownRun, documents: dict[str, dict[str, Any]], given: Mapping[str, dict[str, Any]]
) -> Iterator[Fault]:
    """Reads every document of the run that is not given; adds the valid ones to `documents`."""
    for name, schema in _DOCUMENTS.items():
        path = getattr(run.files, name)
        try:
            document = given.get(name) or files.read_json(path)
        except Unreadable as error:
            yield Fault("file-unreadable", path, 1, error.message)
            continue
        if document is None:
            continue
        problems = problems_of(document, assets.schema(schema))
        yield from (Fault("schema-broken", path, 1, problem) for problem in problems)
        if document.get("run_id", str(run.id)) != str(run.id):
            yield Fault("identity-foreign", path, 1, f"it is of {document['run_id']}")
        if not problems:
            documents[name] = document


def _check_rows(run: KnownRun, path: str, schema_name: str, kept: list[dict[str, Any]]) -> Iterator[Fault]:
    """Adds every row of a JSONL file to `kept`, a broken one as an empty row."""
    schema = assets.schema(schema_name)
    try:
        data = files.read_bytes(path)
    except Unreadable as error:
        yield Fault("file-unreadable", path, 1, error.message)
        return
    for number, line in enumerate((data or b"").split(b"\n")[:-1], 1):
        try:
            row = loads(line)
        except (ValueError, RecursionError) as error:
            kept.append({})
            yield Fault("row-broken", path, number, f"it is not JSON: {error}")
            continue
        problems = problems_of(row, schema)
        kept.append({} if problems else row)
        yield from (Fault("row-broken", path, number, problem) for problem in problems)
        if not problems and row.get("run_id", str(run.id)) != str(run.id):
            yield Fault("identity-foreign", path, number, f"it is of {row['run_id']}")
    if data and not data.endswith(b"\n"):
        yield Fault("row-broken", path, data.count(b"\n") + 1, "the last line is torn")


def _records(run: KnownRun, documents: Mapping[str, dict[str, Any]], events: list[dict[str, Any]]) -> RunRecords:
    text = files.read_bytes(run.files.report_data) if "report_data" in documents else b""
    return RunRecords(
        id=run.id,
        files=run.files,
        phase=phase_table(assets.toml("prompts", "phases.toml")).get(run.id.task_type),
        manifest=documents["manifest"],
        events=events,
        report=documents.get("report_data"),
        report_text=(text or b"").decode("utf-8", "replace"),
        convergence=documents.get("convergence"),
        isolation=documents.get("isolation"),
        qa=documents.get("qa"),
        evidence=documents.get("evidence"),
        exit_check=documents.get("exit_check"),
        usage=usage_of(events),
        answered=answers_of_run(run.files, run.project.task(run.id.task), run.id.task),
    )


def _check_presence(run: KnownRun, records: RunRecords) -> Iterator[Fault]:
    names = [*_ALWAYS, *(_WHEN_LED if records.ended and records.was_led else [])]
    paths = [getattr(run.files, name) for name in names]
    paths += [run.files.worker_prompt(row["id"]) for row in _roster(run)]
    if records.ended and any(row["role"] == "analyst" for row in _roster(run)):
        paths.append(run.files.convergence)
    for path in paths:
        if not os.path.isfile(path):
            yield Fault("file-missing", path, 1, "it is not there")


def _check_results(run: KnownRun, records: RunRecords) -> list[Fault]:
    roles = {row["id"]: row["role"] for row in _roster(run)}
    found: dict[Asked, ResultFile] = {}
    for worker, label in awaited(records):
        path = run.files.worker_answers(worker, label) if label else run.files.worker_result(worker)
        try:
            data = foreign_files.read(path, MAX_BYTES)
        except Unreadable as error:
            found[worker, label] = ResultFile(path, [Problem("R12", 1, error.message)])
            continue
        if data is None or worker not in roles:
            found[worker, label] = ResultFile(path, None)
            continue
        expected = Expected(run.files, run.manifest, worker, roles[worker], label or "worker")
        last = newest(records.events, worker, label)
        changed = last is not None and not is_same(records.events, last, data)
        found[worker, label] = ResultFile(path, problems_of_text(expected, data.decode("utf-8", "replace")), changed)
    return check_workers(records, found)


def _check_report_data(run: KnownRun, records: RunRecords) -> Iterator[Fault]:
    """The report's data must be the last that okstra wrote."""
    written = [row for row in records.events if row.get("event") == REPORT_WRITTEN and DIGEST in row]
    data = files.read_bytes(run.files.report_data) if records.report is not None else None
    if written and data is not None and written[-1][DIGEST] != digest_of(data):
        yield Fault("result-changed", run.files.report_data, 1, "it is not what okstra wrote at the run's end")


def _check_plan(run: KnownRun, records: RunRecords) -> Iterator[Fault]:
    if run.id.task_type != PLANNING or records.report is None or records.report["author"]["worker"] == "lead":
        return
    from ..plan.plans import check

    if os.path.exists(run.report_path):
        for finding in check(run.report_path).errors:
            yield Fault("plan-broken", run.report_path, finding.line, f"{finding.rule}: {finding.message}")


def _check_pages(run: KnownRun, records: RunRecords) -> Iterator[Fault]:
    if records.report is None:
        return
    try:
        pages = compared(run, records.report)
    except Unreadable:  # the data; that is reported already
        return
    for page in pages:
        if page.state is PageState.MISSING:
            yield Fault("page-missing", page.path, 1, f"there is no {page.kind} page")
        elif not page.state.good:
            yield Fault("page-stale", page.path, 1, f"it is {page.state}: not what the data gives")


def _check_seal(run: KnownRun, home: HomePaths) -> tuple[str, list[Fault]]:
    """When the run was sealed, and what differs."""
    path = home.seals(run.id.task.project_segment)
    try:
        found = seals.check(home, run)
    except Unreadable as error:
        return "", [Fault("seal-unreadable", path, 1, error.message)]
    faults = [Fault("seal-differs", one.path, 1, one.message) for one in found.differences]
    faults += [Fault("seal-chain", path, one.line, one.message) for one in found.chain]
    return (found.seal.at if found.seal is not None and found.seal.event == SEALED else ""), faults


def _roster(run: KnownRun) -> list[dict[str, str]]:
    rows = run.manifest.get("roster")
    return rows if isinstance(rows, list) else []
