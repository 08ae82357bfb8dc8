"""JSON as okstra reads and writes it: UTF-8, letters as they are, keys in the order given."""

from __future__ import annotations

import json
from json import loads

__all__ = ["dumps", "encode", "encode_line", "loads"]


def encode(value: object, *, indent: int | None = None) -> bytes:
    """Returns the value as JSON bytes. Lone surrogates (bytes of a path that are not UTF-8) are written as escapes."""
    return dumps(value, indent=indent).encode("utf-8", "backslashreplace")


def encode_line(value: object) -> bytes:
    """Returns the value as one line of a JSONL file."""
    return encode(value) + b"\n"


def dumps(value: object, *, indent: int | None = None) -> str:
    """Returns the value as JSON text. Raises TypeError for what JSON has no form of."""
    return json.dumps(value, ensure_ascii=False, indent=indent)
