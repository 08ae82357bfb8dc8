"""A file of a project's records with one folder's path in place of another, for a project that was moved. Pure."""

from __future__ import annotations

import os
import re

from .files import json_bytes
from .text import loads, text_bytes


def with_path(name: str, data: bytes, old: str, new: str) -> bytes:
    """The file's bytes with `new` wherever a value (of a .json file) or a path in its text is `old` or below it.

    Raises ValueError, RecursionError for a .json file that is none.
    """
    if name.endswith(".json"):
        before = loads(data)
        after = _in_values(before, old, new)
        return data if after == before else json_bytes(after)
    whole = re.compile(rb"(?<![\w./-])" + re.escape(text_bytes(old)) + rb"(?![\w.-])")
    return whole.sub(lambda _: text_bytes(new), data)


def moved_path(path: str, old: str, new: str) -> str:
    return f"{new}{path[len(old) :]}" if is_at_or_below(path, old) else path


def is_at_or_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}{os.sep}")


def _in_values(value: object, old: str, new: str) -> object:
    if isinstance(value, dict):
        return {_in_values(name, old, new): _in_values(inner, old, new) for name, inner in value.items()}
    if isinstance(value, list):
        return [_in_values(inner, old, new) for inner in value]
    return moved_path(value, old, new) if isinstance(value, str) else value
