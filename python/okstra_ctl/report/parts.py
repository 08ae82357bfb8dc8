"""The phase's own part of a report: its shape stands in the report's schema, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .safe_markdown import cell, code, inline

SCHEMA = "final-report/1"
"""Told in the report, and no more: a run whose critic was not heard has lost nothing that it had without one."""

Schema = Mapping[str, Any]


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
    yield "| Stage | Title | Depends on | Files | Steps | Exit check |"
    yield "|---|---|---|---|---|---|"
    for number, stage in enumerate(stages, 1):
        depends = ", ".join(str(one) for one in stage["depends_on"]) or "(none)"
        files = ", ".join(code(name) for name in stage["files"]).replace("|", "\\|")
        check = code(stage["exit_check"]).replace("|", "\\|")
        title = cell(stage["title"])
        yield f"| {number} | {title} | {depends} | {files} | {len(stage['steps'])} | {check} |"
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
