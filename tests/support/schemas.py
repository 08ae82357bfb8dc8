"""Which JSON Schema goes with which file that okstra keeps, by the file's name."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from .sealed import ROOT

_WIZARD_STATE = re.compile(r"[0-9a-f]{32}\.json")
_APPROVED_MAP = re.compile(r"[0-9a-f]{64}\.json")
DOCUMENTS = {
    "project.json": "project",
    "project.local.json": "project-local",
    "config.json": "config",
    "placed-*.json": "fleet-job",
    "trusted.json": "trusted",
    "dropped.json": "dropped",
    "state.json": "client-state",
    "registry.json": "worktree-registry",
    "*.watched.json": "claim-watch",
    "task.json": "shared-task",
    "run-manifest-*.json": "run-manifest",
    "run-context-*.json": "run-context",
    "team-state-*.json": "team-state",
    "task-manifest.json": "task-manifest",
    "task-catalog.json": "task-catalog",
    "latest-task.json": "latest-task",
    "exit-check-*.json": "exit-check",
    "quarantine.json": "quarantine",
    "convergence-*.json": "convergence",
    "report-draft-*.json": "report-draft",
    "final-report-*.data.json": "final-report",
    "qa-*.json": "qa",
    "evidence-*.json": "evidence",
    "guard-*.json": "guard",
    "isolation-*.json": "isolation",
    "receipt-*.json": "receipt",
    "index.json": "memory-index",
}
ROWS = {
    "consumers.jsonl": "ledger-row",
    "timeline.jsonl": "timeline-row",
    "fix-cycles.jsonl": "fix-cycle-row",
    "follow-ups.jsonl": "follow-up-row",
    "pull-request.jsonl": "pull-request-row",
    "runs.jsonl": "index-row",
    "events-*.jsonl": "event-row",
    "errors-*.jsonl": "error-row",
    "approvals.jsonl": "approval-row",
    "demo.jsonl": "seal-row",  # of the project that tests work in
}


def schema_name(file_name: str) -> str | None:
    """The schema of a file of that name; None when none is known."""
    known = DOCUMENTS | ROWS
    named = next((name for pattern, name in known.items() if fnmatch(file_name, pattern)), None)
    if named is None and _APPROVED_MAP.fullmatch(file_name):
        return "stage-map"
    return named or ("wizard" if _WIZARD_STATE.fullmatch(file_name) else None)


def load(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}-v1.schema.json").read_text(encoding="utf-8"))
    return schema


def faults(value: object, name: str) -> list[str]:
    """What the schema of that name finds wrong with a value, each with its place."""
    return [
        f"{'/'.join(map(str, error.absolute_path)) or '(top)'}: {error.message}"
        for error in Draft202012Validator(load(name)).iter_errors(value)
    ]


def faults_of_file(path: Path) -> list[str]:
    """What is wrong with a file by its schema, each fault with the file's name (and line, for rows)."""
    name = schema_name(path.name)
    if name is None:
        return [f"{path}: no schema is known for a file of this name"]
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return [f"{path.name}: {fault}" for fault in faults(json.loads(text), name)]
    found = [] if text.endswith("\n") else [f"{path.name}: the last line has no newline"]
    for number, line in enumerate(text.splitlines(), 1):
        found += [f"{path.name}:{number}: {fault}" for fault in faults(json.loads(line), name)]
    return found
