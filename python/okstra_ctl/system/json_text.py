"""JSON as okstra reads and writes it: UTF-8, non-ASCII letters unescaped, keys in the order given.

`parse` and `dump` are for documents of named sections of entries, one entry a line, such as the registry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json import loads
from typing import Any

__all__ = ["dumps", "encode", "encode_line", "loads"]


def encode(value: object, *, indent: int | None = None) -> bytes:
    """Returns the value as JSON bytes. Lone surrogates (bytes of a path that are not UTF-8) are written as escapes."""
    return dumps(value, indent=indent).encode("utf-8", "backslashreplace")


def encode_line(value: object) -> bytes:
    """Returns the value as one line of a JSONL file."""
    return encode(value) + b"\n"


def dumps(value: object, *, indent: int | None = None) -> str:
    """Returns the value as JSON text. Raises TypeError for a value that JSON can't represent."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def text_bytes(text: str) -> bytes:
    """Encodes as UTF-8. Surrogate escapes (bytes that were not UTF-8 when read) become those bytes again; other lone
    surrogates, which a damaged JSON file can contain, become escapes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


Entry = dict[str, object]
Sections = dict[str, dict[str, Entry]]


class DocumentError(ValueError):
    """The bytes are not this document. The message says what is wrong."""


def parse(data: bytes, schema: str, sections: tuple[str, ...]) -> Sections:
    """The entries of each section; a section that is missing is empty. `schema` is `<name>/<major>`.

    Raises DocumentError when the bytes are not such a document, or have another schema or major version.
    """
    try:
        loaded: Any = loads(data)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from None
    if not isinstance(loaded, dict) or not isinstance(loaded.get("schema"), str):
        raise DocumentError("it has no schema field")
    if loaded["schema"] != schema:
        raise DocumentError(f"it has the schema {loaded['schema']!r}; this okstra reads {schema!r}")
    found = {name: loaded.get(name, {}) for name in sections}
    for name, entries in found.items():
        if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
            raise DocumentError(f"{name!r} is not a map of entries")
    return found


def dump(schema: str, sections: Mapping[str, Mapping[str, Entry]]) -> bytes:
    """The document's bytes: one entry a line."""
    parts = [b'"schema": ' + encode(schema)]
    for name, entries in sections.items():
        lines = b",\n".join(encode(key) + b": " + encode(entry) for key, entry in entries.items())
        parts.append(encode(name) + b": {\n" + (lines + b"\n" if lines else b"") + b"}")
    return b"{" + b",\n".join(parts) + b"\n}\n"
