"""Text as okstra reads and writes it: JSON, text of others in which every character is visible, and templates.

JSON is UTF-8, non-ASCII letters unescaped, keys in the order given. `parse` and `dump` are for documents of named
sections of entries, one entry a line, such as the registry.

Texts of agents and repositories may contain anything: terminal escapes, direction overrides, invisible tags. Spelled
out, they can't make a page look other than it is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from json import loads
from typing import Any

__all__ = ["dumps", "encode", "encode_line", "loads"]
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_PLACEHOLDER = re.compile(r"\{\{([A-Z][A-Z0-9_]*)\}\}")


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


def visible(text: str) -> str:
    return text if _STEERING.search(text) is None else _STEERING.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\u2039U+{code:04X}\u203a"


def printable(text: str) -> str:
    """Text for a terminal: control characters (escapes included) are spelled out."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char in "\n\t" or char.isprintable() else _spelled_for_terminal(char) for char in text)


def on_one_line(text: str) -> str:
    return printable(text).replace("\n", " ").replace("\t", " ")


def display_width(text: str) -> int:
    """Columns at a terminal: Korean and other wide letters take two."""
    if text.isascii():
        return len(text)

    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def beginning(text: str, columns: int) -> str:
    """As much of the text as fits."""
    width = 0
    for place, char in enumerate(text):
        width += display_width(char)
        if width > columns:
            return text[:place]
    return text


def cut(text: str, columns: int, more: str) -> str:
    """The text cut to so many columns; `more` is its end where something is left out."""
    if display_width(text) <= columns:
        return text
    more = more[: max(columns, 0)]
    return beginning(text, columns - display_width(more)) + more


def padded(text: str, columns: int) -> str:
    return text + " " * (columns - display_width(text))


def _spelled_for_terminal(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    if ord(char) < 256:
        return f"\\x{ord(char):02x}"
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


class UnknownPlaceholder(ValueError):
    """The template asks for a name that has no value."""


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replaces `{{NAME}}` in one pass: a value is never searched for placeholders. Raises UnknownPlaceholder: no prompt
    is sent half filled."""
    try:
        return _PLACEHOLDER.sub(lambda found: values[found[1]], template)
    except KeyError as error:
        raise UnknownPlaceholder(error.args[0]) from None


def placeholders(template: str) -> set[str]:
    """The names that a template asks for."""
    return set(_PLACEHOLDER.findall(template))
