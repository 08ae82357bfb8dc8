"""From the draft to the report: the writer's words are laid over it, checked, and rendered.

When no writer gives a usable report, okstra writes one from its records and says why; the run has then failed
and can be resumed, but nothing of what was found is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..paths import RunFiles
from ..quoting import okstra_command
from ..report import own_pages
from ..report.complete import check_written, complete
from ..report.pages import SCHEMA_FILE
from ..report.parts import Schema
from ..results.findings import Gate
from ..results.records import Problem
from ..runs.clarification import answers_of_run
from ..runs.events import events_of, faults_of
from ..runs.handoff_steps import HANDOFF
from ..runs.taken_results import REPORT_WRITTEN, digest_of
from ..settings.roster import Worker
from ..system import assets
from ..system import files as fsio
from ..system.foreign_files import clear_way
from ..system.json_text import loads
from ..system.schema_check import problems_of
from . import handoff
from .asking import ask
from .assignments import MAIN, Answer, Assignment
from .context import Scene
from .dispatch import dispatch
from .draft import SCHEMA, Material, draft, guide
from .placing import write_pages

DRAFT_SCHEMA = "report-draft/1"
_AUTHOR_LEAD = "lead"


class Written(NamedTuple):
    """The report's data, who answered for it, and the gate: open when a report writer gave it its words."""

    report: dict[str, Any]
    answer: Answer | None
    gate: Gate
    note: str


def write_report(scene: Scene, material: Material) -> Written:
    """Drafts, dispatches the report writer, checks and completes. Raises as `dispatch`."""
    schema: Schema = loads(assets.text(*SCHEMA_FILE))
    drafted = draft(scene, material, schema)
    answered = answers_of_run(scene.files, scene.run.project.task(scene.id.task), scene.id.task)
    drafted["clarifications"] = [*answered, *drafted["clarifications"]]
    tokens = material.tokens
    told = {**drafted, "schema": DRAFT_SCHEMA, "tokens": list(tokens), "guide": guide(schema, scene.id.task_type)}
    _keep_a_persons(scene)
    ask(scene.files.report_draft, fsio.json_bytes(told), scene.files.report_data)
    if scene.id.task_type == HANDOFF:  # all of it is okstra's own doing: there is nothing to ask a writer
        return Written(_of_handoff(scene, drafted, tokens), None, Gate.PASSED, "")
    writers = scene.workers("report-writer")
    answer = _ask(scene, writers[0], drafted, tokens, schema) if writers else None
    if answer is not None and answer.text is not None:
        report = complete(drafted, _json(answer.text) or {}, tokens=tokens)
        worker = answer.worker
        report["author"] = {"worker": worker.id, "provider": worker.provider, "model": None, "reason": ""}
        return Written(report, answer, Gate.PASSED, "")
    reason = f"{answer.worker.id}: {answer.outcome}, {answer.state}" if answer else "the run has no report writer"
    faults = faults_of(events_of(scene.files))
    reasons = "; ".join(f"{worker}: {fault}" for worker, fault in faults.items())
    return Written(_by_okstra(drafted, reason, reasons), answer, Gate.FAILED, reason)


def save_report(scene: Scene, report: dict[str, Any]) -> None:
    """Writes the pages, and the data last: it is what says that the report stands."""
    data = fsio.json_bytes(report)
    write_pages(scene, report)
    clear_way(scene.files.report_data)
    _keep_a_persons(scene)
    # Before the data: it takes the place of the writer's words, and must be known for what okstra made of them.
    scene.tell(REPORT_WRITTEN, sha256=digest_of(data))
    fsio.replace(scene.files.report_data, data)


def _keep_a_persons(scene: Scene) -> None:
    """What somebody made of the report's data before they are written anew."""
    kept = own_pages.keep_data_aside(scene.run)
    if kept:
        scene.say(f"{scene.files.report_data} was changed by hand: what stood there is kept as {kept}")


def _ask(scene: Scene, worker: Worker, drafted: dict[str, Any], tokens: tuple[str, ...], schema: Schema) -> Answer:
    prompt = scene.files.worker_prompt(worker.id)

    def check(text: str) -> list[Problem]:
        return check_report_text(text, drafted, tokens, schema)

    result = scene.files.report_data
    return dispatch(scene, [Assignment(worker, MAIN, prompt, result, check, has_findings=lambda text: False)])[0]


def check_report_file(files: RunFiles, text: str) -> list[Problem]:
    """As `check_report_text`, for a writer who asks while writing: the draft on disk is what it completes."""
    drafted = fsio.read_json(files.report_draft, DRAFT_SCHEMA)
    if drafted is None:
        return [Problem("D1", 1, "the run has no draft yet")]
    tokens = drafted.pop("tokens", [])
    drafted.pop("guide", None)
    drafted["schema"] = SCHEMA
    schema: Schema = loads(assets.text(*SCHEMA_FILE))
    return check_report_text(text, drafted, tuple(tokens) if isinstance(tokens, list) else (), schema)


def check_report_text(text: str, drafted: dict[str, Any], tokens: tuple[str, ...], schema: Schema) -> list[Problem]:
    """All that is wrong with what a report writer wrote (rules D1 to D6)."""
    written = _json(text)
    problems = check_written(written, drafted, schema, tokens=tokens)
    if problems or written is None:
        return problems
    if isinstance(written.get("author"), Mapping) and written["author"].get("worker") == _AUTHOR_LEAD:
        return [Problem("D1", 1, "this is okstra's own report; the writer's is still missing")]
    report = complete(drafted, written, tokens=tokens)
    problems = [Problem("D5", 1, message) for message in problems_of(report, schema)]
    if not problems and drafted["task_type"] == "implementation-planning":
        problems = _check_plan(report)
    return problems


def _check_plan(report: Mapping[str, Any]) -> list[Problem]:
    from ..plan.rules import check_plan
    from ..report.plan_part import plan_lines

    text = "---\napproved: true\n---\n" + "\n".join(plan_lines(report["phase"]["stages"]))
    return [
        Problem("D6", 1, f"phase.stages: {finding.rule}: {finding.message}")
        for finding in check_plan(text).findings
        if finding.severity == "error"
    ]


def _json(text: str) -> dict[str, Any] | None:
    """The object, also when a model put a fence around it."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[text.index("\n") + 1 : -3] if "\n" in text else ""
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _of_handoff(scene: Scene, drafted: dict[str, Any], tokens: tuple[str, ...]) -> dict[str, Any]:
    drafted["author"] = {"worker": _AUTHOR_LEAD, "provider": "okstra", "model": None, "reason": ""}
    drafted["verdict"]["token"] = tokens[0]
    good = tokens[0] == scene.phase.verdict_tokens[0]
    drafted["verdict"]["conclusion"] = handoff.conclusion(drafted["phase"], good=good)
    return drafted


def _by_okstra(drafted: dict[str, Any], reason: str, faults: str) -> dict[str, Any]:
    """The lead authors the report only when the report writer failed, with the logged reason (spec 5, "Roles")."""
    found = len(drafted["findings"])
    drafted["author"] = {"worker": _AUTHOR_LEAD, "provider": "okstra", "model": None, "reason": reason}
    drafted["verdict"]["conclusion"] = (
        f"No report writer's words are here ({reason}). {found} finding(s) were recorded; see below."
    )
    if faults:
        drafted["verdict"]["conclusion"] += f" What went wrong: {faults}."
    drafted["verdict"]["next_step"] = okstra_command("resume", drafted["run_id"])
    return drafted
