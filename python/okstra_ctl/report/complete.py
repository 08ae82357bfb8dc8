"""What the report writer wrote, laid over okstra's draft: so it can leave out no finding and change no verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..results.records import Problem
from .parts import Schema, left_empty, phase_schema

Report = dict[str, Any]

# The writer's own; everything else is okstra's record, and stands as drafted.
_WRITERS_LISTS = ("risks", "follow_ups")
_WRITERS_VERDICT = ("conclusion", "token", "direction")
DRAFT_RULES = {
    "D1": "the report is one JSON object",
    "D2": "the verdict's conclusion is written",
    "D3": "the verdict's token is one that the gates allow",
    "D4": "the phase's own part is there, and nothing that it needs is empty",
    "D5": "the report is valid by schemas/final-report-v1.schema.json",
    "D6": "a plan's stages keep the rules S1 to S11",
}


def complete(draft: Report, written: Mapping[str, Any], *, tokens: tuple[str, ...]) -> Report:
    """The report: the draft with the writer's words in it. Values of a wrong kind are taken over for the check to
    tell; a token that the gates don't allow becomes the worst."""
    report = dict(draft)
    for name in _WRITERS_LISTS:
        if name in written:
            report[name] = written[name]
    if "phase" in written:
        report["phase"] = _phase(draft["phase"], written["phase"])
    verdict = written.get("verdict")
    if isinstance(verdict, Mapping):
        report["verdict"] = {
            **draft["verdict"],
            **{name: verdict[name] for name in _WRITERS_VERDICT if name in verdict},
        }
    if report["verdict"].get("token") not in tokens:
        report["verdict"] = {**report["verdict"], "token": tokens[-1]}
    report["clarifications"] = [*draft["clarifications"], *_new_questions(draft, written)]
    report["checked"] = [*draft["checked"], *_new_rows(draft, written, "checked", "what")]
    return report


def _phase(drafted: Mapping[str, Any], written: Any) -> Any:
    """The phase's part: what okstra itself did (a hand-off's commands) stands, whatever the writer says of it."""
    if not isinstance(written, Mapping):
        return written
    return {**written, **{name: value for name, value in drafted.items() if value}}


def _new_questions(draft: Report, written: Mapping[str, Any]) -> list[Any]:
    """Rows that the writer added. One that took an answered question's id to ask something else gets the next free
    one: no question may be lost."""
    rows = _new_rows(draft, written, "clarifications", "id")
    drafted = {row["id"]: row["question"] for row in draft["clarifications"]}
    asked = written.get("clarifications")
    for row in asked if isinstance(asked, list) else []:
        if not isinstance(row, Mapping) or row.get("id") not in drafted or row.get("status") != "open":
            continue
        if row.get("question") not in drafted.values():
            rows.append({**row, "id": _free_id([*draft["clarifications"], *rows])})
    return rows


def _free_id(rows: list[Any]) -> str:
    ids = [row.get("id") for row in rows if isinstance(row, Mapping)]
    numbers = [int(name[2:]) for name in ids if isinstance(name, str) and name[:2] == "C-" and name[2:].isdigit()]
    return f"C-{max(numbers, default=0) + 1:03d}"


def _new_rows(draft: Report, written: Mapping[str, Any], name: str, key: str) -> list[Any]:
    rows = written.get(name)
    if not isinstance(rows, list):
        return []
    known = {row[key] for row in draft[name]}
    return [row for row in rows if not (isinstance(row, Mapping) and row.get(key) in known)]


def check_written(written: object, draft: Report, schema: Schema, *, tokens: tuple[str, ...]) -> list[Problem]:
    """What the writer has to mend before its words can be laid over the draft; the schema is asked afterwards."""
    if not isinstance(written, Mapping):
        return [Problem("D1", 1, "the report is not a JSON object")]
    problems = []
    verdict = written.get("verdict")
    verdict = verdict if isinstance(verdict, Mapping) else {}
    if not str(verdict.get("conclusion", "")).strip():
        problems.append(Problem("D2", 1, "verdict.conclusion is empty"))
    if verdict.get("token") not in tokens:
        given, allowed = verdict.get("token"), ", ".join(tokens)
        problems.append(Problem("D3", 1, f"verdict.token is {given!r}; what the gates allow here: {allowed}"))
    phase = written.get("phase")
    if not isinstance(phase, Mapping):
        return [*problems, Problem("D4", 1, "phase is missing")]
    shape = phase_schema(schema, draft["task_type"])
    problems += [Problem("D4", 1, f"phase.{name} is empty") for name in left_empty(shape, phase)]
    return problems
