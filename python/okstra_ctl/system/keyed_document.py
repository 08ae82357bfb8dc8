"""A JSON document of keyed entries: `{"schema": …, "<section>": {"<key>": {…}, …}, …}`, written one entry a line.

A person can read it, and a diff of two versions shows the entries that changed. Any layout of the same JSON is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .json_text import encode, loads

Entry = dict[str, object]
Sections = dict[str, dict[str, Entry]]


class DocumentError(ValueError):
    """The bytes are not this document. The message says what is wrong."""


def parse(data: bytes, schema: str, sections: tuple[str, ...]) -> Sections:
    """The entries of each section; a section that is missing is empty. `schema` is `<name>/<major>`.

    Raises DocumentError when the bytes are not such a document, or of another schema or major version.
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
