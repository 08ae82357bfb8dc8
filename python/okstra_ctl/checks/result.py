"""`okstra check result`: the problems that okstra would find in a result, while its worker can still fix them.

The file's path determines what it is: the run, the worker, and what it was asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import Unreadable, UsageError
from ..paths import RunFiles
from ..report.parts import SCHEMA as PARTS_SCHEMA
from ..report.parts import Schema, check_written, complete
from ..report.store import SCHEMA_FILE
from ..results.records import MAX_BYTES, Problem
from ..runs.manifest import SCHEMA
from ..settings.phases import phase_table
from ..system import assets, files, foreign_files
from ..system.assets import problems_of
from ..system.text import loads

DRAFT_SCHEMA = "report-draft/1"
LEAD_AUTHOR = "lead"

_RESULT = re.compile(
    r"(?P<worker>.+?)-(?P<label>worker|round-[0-9]+|turn-[0-9]+|plan-check)-(?P<type>[a-z-]+)-(?P<seq>[0-9]{3,})\.md$"
)
_REPORT = re.compile(r"final-report-(?P<type>[a-z-]+)-(?P<seq>[0-9]{3,})\.data\.json$")
_DROPS = re.compile(r"drops-[0-9]{3,}$")
_ITEMS = re.compile(r"^\*\*Items:\*\* (.+)$", re.MULTILINE)


class Expected(NamedTuple):
    """What a file should be: its run, its worker, and its label (`worker` for the main result)."""

    files: RunFiles
    manifest: Mapping[str, Any]
    worker: str
    role: str
    label: str


def check_result_file(path: str) -> list[Problem]:
    """The problems of a result. Raises UsageError (`not-found`) for a file that is no result of a run's worker;
    Unreadable for the run's own files."""
    expected = expected_at(os.path.abspath(path))
    try:
        data = foreign_files.read(path, MAX_BYTES)
    except Unreadable as error:
        return [Problem("R12", 1, error.message)]
    if data is None:
        raise UsageError("not-found", f"there is no file {path}", where=path)
    if not data.strip():
        return [Problem("R12", 1, "the file is empty")]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return [Problem("R12", 1, f"it is not UTF-8 (byte {error.start})")]
    return problems_of_text(expected, text)


def expected_at(path: str) -> Expected:
    """What should be at that path, among the run's results or in a worker's own folder.

    Raises UsageError (`not-found`), Unreadable.
    """
    folder, name = os.path.split(path)
    if _DROPS.match(os.path.basename(os.path.dirname(folder))):
        folder = os.path.dirname(folder)
    found = _RESULT.match(name) or _REPORT.match(name)
    run_dir = os.path.dirname(folder)
    paths = RunFiles(run_dir, found["type"], found["seq"]) if found else None
    manifest = files.read_json(paths.manifest, SCHEMA) if paths else None
    if found is None or paths is None or manifest is None:
        raise UsageError(
            "not-found",
            f"{name} is not the result of a run's worker",
            where=path,
            hint="name the file at the result path of a worker's prompt",
        )
    if found.re is _REPORT:
        return Expected(paths, manifest, "report-writer", "report-writer", "worker")
    roles = {row["id"]: row["role"] for row in manifest.get("roster", [])}  # type: ignore[attr-defined]
    worker = found["worker"]
    if worker not in roles:
        raise UsageError("not-found", f"the run has no worker {worker}", where=path)
    return Expected(paths, manifest, worker, roles[worker], found["label"])


def problems_of_text(expected: Expected, text: str) -> list[Problem]:
    if expected.role == "report-writer":
        return check_report_file(expected.files, text)
    if expected.label.startswith(("round-", "plan-")):
        from ..results.parse import read_document
        from ..results.worker import parse_answers

        problems = parse_answers(text, items=_items(expected))[1]
        return [*problems, *_identity(expected, read_document(text).fields)]
    if expected.role == "executor":
        from ..results.worker import parse_executor_result

        executed, problems = parse_executor_result(text, steps=_steps(expected))
        return [*problems, *_identity(expected, executed.fields)]
    from ..results.worker import parse_worker_result

    verdicts = _verdicts(expected)
    result, problems = parse_worker_result(text, verdicts=verdicts, passing=verdicts[:1])
    return [*problems, *_identity(expected, result.fields)]


def _identity(expected: Expected, fields: Mapping[str, str]) -> list[Problem]:
    from ..results.worker import check_identity

    return check_identity(fields, task_key=str(expected.manifest.get("task_key")), worker=expected.worker)


def _verdicts(expected: Expected) -> tuple[str, ...]:
    if expected.role not in ("analyst", "verifier"):
        return ()
    return phase_table(assets.toml("prompts", "phases.toml")).get(expected.files.task_type).worker_verdicts


def _items(expected: Expected) -> tuple[str, ...]:
    """The items that were asked about, from the prompt."""
    prompt = files.read_bytes(expected.files.extra_prompt(expected.worker, expected.label)) or b""
    found = _ITEMS.search(prompt.decode("utf-8", "replace"))
    return tuple(item.strip() for item in found[1].split(",")) if found else ()


def _steps(expected: Expected) -> tuple[int, ...]:
    from ..plan.plans import check

    plan = expected.manifest.get("plan")
    stage = expected.manifest.get("stage")
    stage_map = check(str(plan["path"])).stage_map if isinstance(plan, Mapping) else None
    if stage_map is None or not isinstance(stage, int):
        return ()
    return tuple(step.number for step in stage_map.stage(stage).steps)


def check_report_file(paths: RunFiles, text: str) -> list[Problem]:
    """As `check_report_text`, with the draft that is on disk, for a writer that is still writing."""
    drafted = files.read_json(paths.report_draft, DRAFT_SCHEMA)
    if drafted is None:
        return [Problem("D1", 1, "the run has no draft yet")]
    tokens = drafted.pop("tokens", [])
    drafted.pop("guide", None)
    drafted["schema"] = PARTS_SCHEMA
    schema: Schema = loads(assets.text(*SCHEMA_FILE))
    return check_report_text(text, drafted, tuple(tokens) if isinstance(tokens, list) else (), schema)


def check_report_text(text: str, drafted: dict[str, Any], tokens: tuple[str, ...], schema: Schema) -> list[Problem]:
    """All problems with what a report writer wrote (rules D1 to D6)."""
    written = json_object(text)
    problems = check_written(written, drafted, schema, tokens=tokens)
    if problems or written is None:
        return problems
    if isinstance(written.get("author"), Mapping) and written["author"].get("worker") == LEAD_AUTHOR:
        return [Problem("D1", 1, "this is okstra's own report; the writer's is still missing")]
    report = complete(drafted, written, tokens=tokens)
    problems = [Problem("D5", 1, message) for message in problems_of(report, schema)]
    if not problems and drafted["task_type"] == "implementation-planning":
        problems = _check_plan(report)
    return problems


def _check_plan(report: Mapping[str, Any]) -> list[Problem]:
    from ..plan.rules import check_plan
    from ..report.parts import plan_lines

    text = "---\napproved: true\n---\n" + "\n".join(plan_lines(report["phase"]["stages"]))
    return [
        Problem("D6", 1, f"phase.stages: {finding.rule}: {finding.message}")
        for finding in check_plan(text).findings
        if finding.severity == "error"
    ]


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object in the text, even if a model put a code fence around it; None for anything else."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[text.index("\n") + 1 : -3] if "\n" in text else ""
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
