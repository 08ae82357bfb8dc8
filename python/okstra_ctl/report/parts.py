"""The phase's own part of a report: its shape stands in the report's schema, and nowhere else (spec 3, "Phases")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

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
