"""The phase's own part of a report: its shape stands in the report's schema, and nowhere else.

What the report writer wrote is laid over okstra's draft: so it can leave out no finding and change no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..results.records import Problem
from .safe_markdown import cell, code, inline

SCHEMA = "final-report/1"

Schema = Mapping[str, Any]
# The writer's own; everything else is okstra's record, and stands as drafted.
_WRITERS_LISTS = ("risks", "follow_ups")
_WRITERS_VERDICT = ("conclusion", "token", "direction")


class Field(NamedTuple):
    """One field of a phase's part. `items` are the names of a list item's fields; empty for plain lists and texts."""

    name: str
    title: str
    is_list: bool
    items: tuple[str, ...]


def phase_schema(schema: Schema, task_type: str) -> Schema:
    found: Schema = schema["$defs"][f"phase-{task_type}"]
    return found


def fields_of(schema: Schema, task_type: str) -> list[Field]:
    """The fields of a phase's part, in their order."""
    return [
        Field(name, shape["title"], shape["type"] == "array", tuple(shape.get("items", {}).get("properties", ())))
        for name, shape in phase_schema(schema, task_type)["properties"].items()
    ]


def blank(shape: Schema) -> Any:
    """An empty value of a shape: what the report writer finds in its draft."""
    if shape["type"] == "object":
        return {name: blank(inner) for name, inner in shape["properties"].items()}
    return [] if shape["type"] == "array" else ""


def left_empty(shape: Schema, value: Mapping[str, Any]) -> Iterator[str]:
    """The names of fields that may not be empty and are."""
    for name, inner in shape["properties"].items():
        content = value.get(name)
        if inner.get("needed") and not (content.strip() if isinstance(content, str) else content):
            yield name


def plan_lines(stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """`## 5.5 Stage Map` with its table, then one section a stage. Stages are numbered by their places."""
    yield "## 5.5 Stage Map"
    yield ""
    with_proof = any(stage.get("proof") for stage in stages)
    yield "| Stage | Title | Depends on | Files | Steps | Exit check |" + (" Proof |" if with_proof else "")
    yield "|---|---|---|---|---|---|" + ("---|" if with_proof else "")
    for number, stage in enumerate(stages, 1):
        depends = ", ".join(str(one) for one in stage["depends_on"]) or "(none)"
        files = ", ".join(code(name) for name in stage["files"]).replace("|", "\\|")
        check = code(stage["exit_check"]).replace("|", "\\|")
        title = cell(stage["title"])
        proof = f" {cell(stage.get('proof') or '')} |" if with_proof else ""
        yield f"| {number} | {title} | {depends} | {files} | {len(stage['steps'])} | {check} |{proof}"
    yield ""
    for number, stage in enumerate(stages, 1):
        yield f"### 5.5.{number} Stage {number}: {inline(stage['title'])}"
        yield ""
        yield from (f"{place}. {inline(step)}" for place, step in enumerate(stage["steps"], 1))
        if stage["tdd_exemption"]:
            yield ""
            yield f"TDD exemption: {inline(stage['tdd_exemption'])}"
        yield ""


def plan_items(stages: Sequence[object]) -> tuple[str, ...]:
    """What the analysts are asked about a plan: the direction as a whole, and each stage."""
    return ("PLAN", *(f"STAGE-{number}" for number in range(1, len(stages) + 1)))


Report = dict[str, Any]


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
