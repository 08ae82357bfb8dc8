"""Checking a document by its JSON Schema. The checker is imported late: it takes longer than a light command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def problems_of(document: object, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong, place by place; empty when nothing is."""
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path)))
    return [f"{'.'.join(map(str, error.path)) or 'the document'}: {error.message[:200]}" for error in errors]
