"""okstra's own data files: prompts, templates, schemas, from a checkout or an installed package."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from json import loads
from typing import Any

from ..errors import Missing

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def root() -> str:
    """The folder that holds `prompts/`, `templates/` and `schemas/`. Raises Missing (`assets-missing`)."""
    for folder in (os.path.join(_PACKAGE, "_assets"), os.path.dirname(os.path.dirname(_PACKAGE))):
        if os.path.isfile(os.path.join(folder, "prompts", "phases.toml")):
            return folder
    raise Missing(
        "assets-missing", "okstra's prompts are missing from its installation", where=_PACKAGE, hint="reinstall okstra"
    )


def text(*parts: str) -> str:
    """A data file's text. Raises Missing (`assets-missing`)."""
    path = os.path.join(root(), *parts)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Missing("assets-missing", f"{'/'.join(parts)} can't be read: {error.strerror}", where=path) from error


def toml(*parts: str) -> dict[str, Any]:
    """A TOML data file, parsed. Raises Missing (`assets-missing`)."""
    return parse_toml(text(*parts))


def parse_toml(content: str) -> dict[str, Any]:
    """Raises ValueError when it is not TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # the standard library has it from 3.11 on
    document: dict[str, Any] = tomllib.loads(content)
    return document


def problems_of(document: object, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong, place by place; empty when nothing is."""
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path)))
    return [f"{'.'.join(map(str, error.path)) or 'the document'}: {error.message[:200]}" for error in errors]


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file, such as `project`. Raises Missing (`assets-missing`)."""
    parsed: dict[str, Any] = loads(text("schemas", f"{name}-v1.schema.json"))
    return parsed
