"""`okstra check result`: what a program will say of a result, told to its worker while it can still mend it.

The file's place tells what it is: the run's folder, the worker and what it was asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import Unreadable, UsageError
from ..paths import RunFiles
from ..results.records import Problem
from ..results.rules import MAX_BYTES
from ..runs.manifest import SCHEMA
from ..settings.phases import phase_table
from ..system import assets, foreign_files
from ..system import files as fsio

_RESULT = re.compile(
    r"(?P<worker>.+?)-(?P<label>worker|round-[0-9]+|turn-[0-9]+|plan-check)-(?P<type>[a-z-]+)-(?P<seq>[0-9]{3,})\.md$"
)
_REPORT = re.compile(r"final-report-(?P<type>[a-z-]+)-(?P<seq>[0-9]{3,})\.data\.json$")
_DROPS = re.compile(r"drops-[0-9]{3,}$")
_ITEMS = re.compile(r"^\*\*Items:\*\* (.+)$", re.MULTILINE)


class Expected(NamedTuple):
    """What a file should be: whose, of which run, with which label (`worker` for the main result)."""

    files: RunFiles
    manifest: Mapping[str, Any]
    worker: str
    role: str
    label: str


def check_result_file(path: str) -> list[Problem]:
    """Raises UsageError (`not-found`) for a file that is no worker's result, or of no run; Unreadable for the run's."""
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
    """A file among the run's results, or one in its worker's own folder.

    Raises UsageError (`not-found`), Unreadable.
    """
    folder, name = os.path.split(path)
    if _DROPS.match(os.path.basename(os.path.dirname(folder))):
        folder = os.path.dirname(folder)
    found = _RESULT.match(name) or _REPORT.match(name)
    run_dir = os.path.dirname(folder)
    files = RunFiles(run_dir, found["type"], found["seq"]) if found else None
    manifest = fsio.read_json(files.manifest, SCHEMA) if files else None
    if found is None or files is None or manifest is None:
        raise UsageError(
            "not-found",
            f"{name} is no result of a run",
            where=path,
            hint="name the file at the result path of a worker's prompt",
        )
    if found.re is _REPORT:
        return Expected(files, manifest, "report-writer", "report-writer", "worker")
    roles = {row["id"]: row["role"] for row in manifest.get("roster", [])}  # type: ignore[attr-defined]
    worker = found["worker"]
    if worker not in roles:
        raise UsageError("not-found", f"the run has no worker {worker}", where=path)
    return Expected(files, manifest, worker, roles[worker], found["label"])


def problems_of_text(expected: Expected, text: str) -> list[Problem]:
    if expected.role == "report-writer":
        return _check_report(expected, text)
    if expected.label.startswith(("round-", "plan-")):
        from ..results.answers import parse_answers
        from ..results.parse import read_document

        problems = parse_answers(text, items=_items(expected))[1]
        return [*problems, *_identity(expected, read_document(text).fields)]
    if expected.role == "executor":
        from ..results.executor_result import parse_executor_result

        executed, problems = parse_executor_result(text, steps=_steps(expected))
        return [*problems, *_identity(expected, executed.fields)]
    from ..results.worker import parse_worker_result

    verdicts = _verdicts(expected)
    result, problems = parse_worker_result(text, verdicts=verdicts, passing=verdicts[:1])
    return [*problems, *_identity(expected, result.fields)]


def _identity(expected: Expected, fields: Mapping[str, str]) -> list[Problem]:
    from ..results.identity import check_identity

    return check_identity(fields, task_key=str(expected.manifest.get("task_key")), worker=expected.worker)


def _verdicts(expected: Expected) -> tuple[str, ...]:
    if expected.role not in ("analyst", "verifier"):
        return ()
    return phase_table(assets.toml("prompts", "phases.toml")).get(expected.files.task_type).worker_verdicts


def _items(expected: Expected) -> tuple[str, ...]:
    """What was asked stands in the prompt."""
    prompt = fsio.read_bytes(expected.files.extra_prompt(expected.worker, expected.label)) or b""
    found = _ITEMS.search(prompt.decode("utf-8", "replace"))
    return tuple(item.strip() for item in found[1].split(",")) if found else ()


def _steps(expected: Expected) -> tuple[int, ...]:
    from ..plan import store as plans

    plan = expected.manifest.get("plan")
    stage = expected.manifest.get("stage")
    stage_map = plans.check(str(plan["path"])).stage_map if isinstance(plan, Mapping) else None
    if stage_map is None or not isinstance(stage, int):
        return ()
    return tuple(step.number for step in stage_map.stage(stage).steps)


def _check_report(expected: Expected, text: str) -> list[Problem]:
    from ..lead.report_writer import check_report_file

    return check_report_file(expected.files, text)
