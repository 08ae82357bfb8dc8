"""JSON as okstra writes it: UTF-8, letters as they are, keys in the order given."""

from __future__ import annotations

import json


def encode(value: object, *, indent: int | None = None) -> bytes:
    """The value as JSON bytes. Lone surrogates (bytes of a path that are no UTF-8) are written as escapes."""
    return json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "backslashreplace")


def encode_line(value: object) -> bytes:
    """The value as one line of a JSONL file."""
    return encode(value) + b"\n"
