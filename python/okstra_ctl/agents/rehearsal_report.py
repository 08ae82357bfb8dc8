"""What a rehearsed report writer writes: the script's words, and a word of rehearsal wherever one is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..system import assets
from ..system import files as fsio

_WORD = "(rehearsal)"
_SCHEMA = "final-report-v1.schema.json"


def written(draft: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """The report: the draft with the script's words over it, and nothing left empty that the schema needs."""
    report = _laid_over(draft, words)
    schema: dict[str, Any] = fsio.read_json(f"{assets.root()}/schemas/{_SCHEMA}") or {}
    phase = schema.get("$defs", {}).get(f"phase-{draft.get('task_type', '')}")
    verdict = schema.get("properties", {}).get("verdict")
    for name, shape in (("phase", phase), ("verdict", verdict)):
        if isinstance(shape, Mapping):
            report[name] = _filled(shape, report.get(name), needed=True)
    return report


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for name, value in above.items():
        under = both.get(name)
        both[name] = _laid_over(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return both


def _filled(shape: Mapping[str, Any], value: Any, *, needed: bool) -> Any:
    """The value, or what stands for it where it is needed and empty."""
    kind = shape.get("type")
    if kind == "object":
        found = value if isinstance(value, Mapping) else {}
        return {
            **found,
            **{
                name: _filled(inner, found.get(name), needed=bool(inner.get("needed")))
                for name, inner in shape.get("properties", {}).items()
            },
        }
    if value:
        return value
    if kind == "array":
        return [_one(shape.get("items", {}))] if needed else []
    if kind == "string":
        return _WORD if needed else (value or "")
    return value


def _one(shape: Mapping[str, Any]) -> Any:
    """One item of a list that may not be empty."""
    if shape.get("type") == "object":
        return {name: _one(inner) for name, inner in shape.get("properties", {}).items()}
    if shape.get("type") == "array":
        return []
    if "enum" in shape:
        return shape["enum"][0]
    return 1 if shape.get("type") == "integer" else _WORD
