"""From the draft to the report: the writer's text is merged into it, checked, and rendered.

When no writer gives a usable report, okstra writes one from its records and states why; the run has then failed and can
be resumed, but no finding is lost.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..checks.result import DRAFT_SCHEMA, LEAD_AUTHOR, check_report_text, json_object
from ..names import HANDOFF
from ..quoting import okstra_command
from ..report import own_pages
from ..report.parts import Schema, complete
from ..report.store import SCHEMA_FILE, Pages, render_pages
from ..results.records import Gate, Problem
from ..runs.events import REPORT_WRITTEN, digest_of, events_of, faults_of
from ..runs.user_response import answers_of_run
from ..settings.roster import Worker
from ..system import assets, files
from ..system.foreign_files import clear_way
from ..system.text import loads
from . import finish, handoff
from .assignments import MAIN, Answer, Assignment, write_request
from .context import RunContext
from .dispatch import dispatch
from .draft import Material, draft, guide


def place_report(context: RunContext) -> RunContext:
    """Gives okstra's report another path, if a person wrote, edited or approved the plan at its usual one.

    The manifest names the new path before anything is written there: a kill in between leaves a number unused.
    """
    own_pages.note_earlier(context.run, context.services)
    while own_pages.is_persons_plan(context.run):
        path = own_pages.place_beside(context.run)
        finish.update_manifest(context, report=path)
        context = context._replace(run=context.run._replace(manifest={**context.run.manifest, "report": path}))
        context.print_progress(own_plan_note(context))
    return context


def own_plan_note(context: RunContext) -> str:
    """A note for the person whose plan is kept; empty when there is none."""
    if context.run.report_path == context.files.report:
        return ""
    return f"the plan {context.files.report} is yours, and stays the plan; okstra's own is {context.run.report_path}"


def write_pages(context: RunContext, report: Mapping[str, Any]) -> None:
    """Writes both pages; a page that a person edited is kept beside it."""
    run, pages = context.run, render_pages(context.run, report)
    pages = Pages(own_pages.markdown_for(run, pages.markdown), pages.html)
    kinds = {own_pages.MARKDOWN: (run.report_path, pages.markdown), own_pages.HTML: (run.files.report_html, pages.html)}
    for kind, (path, page) in kinds.items():
        kept = own_pages.keep_aside(run, kind, path, page)
        if kept:
            context.print_progress(f"{path} was changed by hand: what stood there is kept as {kept}")
    own_pages.note(run, context.services, {kind: page for kind, (_, page) in kinds.items()})
    for path, page in kinds.values():
        files.make_folder(os.path.dirname(path))
        files.replace(path, page)


class WrittenReport(NamedTuple):
    """The report's data, the writer's answer, and the gate: open when a report writer wrote its text."""

    report: dict[str, Any]
    answer: Answer | None
    gate: Gate
    note: str


def write_report(context: RunContext, material: Material) -> WrittenReport:
    """Drafts, dispatches the report writer, checks and completes. Raises as `dispatch`."""
    schema: Schema = loads(assets.text(*SCHEMA_FILE))
    drafted = draft(context, material, schema)
    answered = answers_of_run(context.files, context.run.project.task(context.id.task), context.id.task)
    drafted["clarifications"] = [*answered, *drafted["clarifications"]]
    tokens = material.tokens
    request = {**drafted, "schema": DRAFT_SCHEMA, "tokens": list(tokens), "guide": guide(schema, context.id.task_type)}
    _keep_edited_data(context)
    write_request(context.files.report_draft, files.json_bytes(request), context.files.report_data)
    if context.id.task_type == HANDOFF:  # okstra did all of it itself: there is nothing to ask a writer
        return WrittenReport(_handoff_report(context, drafted, tokens), None, Gate.PASSED, "")
    writers = context.workers("report-writer")
    answer = _dispatch_writer(context, writers[0], drafted, tokens, schema) if writers else None
    if answer is not None and answer.text is not None:
        report = complete(drafted, json_object(answer.text) or {}, tokens=tokens)
        worker = answer.worker
        report["author"] = {"worker": worker.id, "provider": worker.provider, "model": None, "reason": ""}
        return WrittenReport(report, answer, Gate.PASSED, "")
    reason = f"{answer.worker.id}: {answer.outcome}, {answer.state}" if answer else "the run has no report writer"
    faults = faults_of(events_of(context.files))
    reasons = "; ".join(f"{worker}: {fault}" for worker, fault in faults.items())
    return WrittenReport(_report_without_writer(drafted, reason, reasons), answer, Gate.FAILED, reason)


def save_report(context: RunContext, report: dict[str, Any]) -> None:
    """Writes the pages, and the data last: it marks the report as complete."""
    data = files.json_bytes(report)
    write_pages(context, report)
    clear_way(context.files.report_data)
    _keep_edited_data(context)
    # Before the data: it replaces the writer's result, and its digest must be on record as okstra's own.
    context.record_event(REPORT_WRITTEN, sha256=digest_of(data))
    files.replace(context.files.report_data, data)


def _keep_edited_data(context: RunContext) -> None:
    """Keeps the report's data aside if somebody edited it, before it is written anew."""
    kept = own_pages.keep_data_aside(context.run)
    if kept:
        context.print_progress(f"{context.files.report_data} was changed by hand: what stood there is kept as {kept}")


def _dispatch_writer(
    context: RunContext, worker: Worker, drafted: dict[str, Any], tokens: tuple[str, ...], schema: Schema
) -> Answer:
    prompt = context.files.worker_prompt(worker.id)

    def check(text: str) -> list[Problem]:
        return check_report_text(text, drafted, tokens, schema)

    result = context.files.report_data
    return dispatch(context, [Assignment(worker, MAIN, prompt, result, check, has_findings=lambda text: False)])[0]


def _handoff_report(context: RunContext, drafted: dict[str, Any], tokens: tuple[str, ...]) -> dict[str, Any]:
    drafted["author"] = {"worker": LEAD_AUTHOR, "provider": "okstra", "model": None, "reason": ""}
    drafted["verdict"]["token"] = tokens[0]
    good = tokens[0] == context.phase.verdict_tokens[0]
    drafted["verdict"]["conclusion"] = handoff.conclusion(drafted["phase"], good=good)
    return drafted


def _report_without_writer(drafted: dict[str, Any], reason: str, faults: str) -> dict[str, Any]:
    """The report without a writer's text. Only used when the report writer failed, with the reason."""
    found = len(drafted["findings"])
    drafted["author"] = {"worker": LEAD_AUTHOR, "provider": "okstra", "model": None, "reason": reason}
    drafted["verdict"]["conclusion"] = (
        f"No report writer's words are here ({reason}). {found} finding(s) were recorded; see below."
    )
    if faults:
        drafted["verdict"]["conclusion"] += f" What went wrong: {faults}."
    drafted["verdict"]["next_step"] = okstra_command("resume", drafted["run_id"])
    return drafted
