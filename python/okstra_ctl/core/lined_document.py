"""A JSON document that keeps one entry on a line, so that a change costs the entries it touches.

The file is plain JSON: `{"schema": …, "<section>": {"<key>": {…}, …}, …}`. When it has the layout that
`dump` writes, entries are cut out by line and parsed only when somebody asks for them; any other
layout of the same JSON (a hand edit, a pretty-printer) is parsed whole. So 10,000 entries cost a few
milliseconds where parsing and writing them all costs a hundred.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

Entry = dict[str, object]


class DocumentError(ValueError):
    """The bytes are not this document. The message says what is wrong and on which line."""


class LinedDocument:
    """Sections of keyed entries. `schema` is `<name>/<major>`."""

    def __init__(self, schema: str, sections: tuple[str, ...]) -> None:
        self.schema = schema
        self._sections: dict[str, dict[str, bytes | Entry]] = {name: {} for name in sections}

    @classmethod
    def parse(cls, data: bytes, schema: str, sections: tuple[str, ...]) -> LinedDocument:
        """Raises DocumentError when the bytes are not such a document, or of another schema or major version."""
        document = cls(schema, sections)
        if not document._read_lines(data):
            document._read_whole(data)
        return document

    def get(self, section: str, key: str) -> Entry | None:
        """The entry, parsed; None when there is none. Raises DocumentError when its line is damaged."""
        held = self._sections[section].get(key)
        return self._parsed(key, held) if isinstance(held, bytes) else held

    def put(self, section: str, key: str, entry: Entry) -> None:
        self._sections[section][key] = entry

    def remove(self, section: str, key: str) -> None:
        self._sections[section].pop(key, None)

    def keys(self, section: str) -> list[str]:
        return list(self._sections[section])

    def items(self, section: str) -> Iterator[tuple[str, Entry]]:
        for key in self.keys(section):
            entry = self.get(section, key)
            if entry is not None:
                yield key, entry

    def mentioning(self, section: str, field: str, value: str) -> Iterator[tuple[str, Entry]]:
        """Entries whose `field` equals `value`; lines without that text are not parsed."""
        needle = f"{json.dumps(field)}: {json.dumps(value, ensure_ascii=False)}".encode("utf-8", "surrogateescape")
        for key, held in self._sections[section].items():
            if isinstance(held, bytes) and needle not in held:
                continue
            entry = self.get(section, key)
            if entry is not None and entry.get(field) == value:
                yield key, entry

    def dump(self) -> bytes:
        """The document as bytes: one entry a line, entries in the order they came."""
        lines = [b'{"schema": ' + _encode(self.schema) + b","]
        names = list(self._sections)
        for name in names:
            lines.append(_encode(name) + b": {")
            entries = [
                held if isinstance(held, bytes) else _line(key, held) for key, held in self._sections[name].items()
            ]
            lines.extend(entry + b"," for entry in entries[:-1])
            lines.extend(entries[-1:])
            lines.append(b"}" if name == names[-1] else b"},")
        lines.append(b"}\n")
        return b"\n".join(lines)

    def _read_lines(self, data: bytes) -> bool:
        lines = data.split(b"\n")
        if lines[0] != b'{"schema": ' + _encode(self.schema) + b"," or lines[-2:] != [b"}", b""]:
            return False
        position = 1
        for name in self._sections:
            if position >= len(lines) or lines[position] != _encode(name) + b": {":
                return False
            position = self._read_section(name, lines, position + 1)
            if position < 0:
                return False
        return position == len(lines) - 2

    def _read_section(self, name: str, lines: list[bytes], position: int) -> int:
        """The position after the section's closing line, or -1 when a line is none of ours."""
        entries = self._sections[name]
        for index in range(position, len(lines)):
            line = lines[index]
            if line in (b"}", b"},"):
                return index + 1
            body = line[:-1] if line.endswith(b"},") else line
            cut = body.find(b'": {')
            if cut < 1 or body[:1] != b'"' or not body.endswith(b"}"):
                return -1
            raw = body[1:cut]
            try:
                key = json.loads(body[: cut + 1]) if b"\\" in raw else raw.decode("utf-8", "surrogateescape")
            except ValueError:
                return -1
            entries[key] = body
        return -1

    def _read_whole(self, data: bytes) -> None:
        self._sections = {name: {} for name in self._sections}
        try:
            loaded = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"it is not JSON: {error}") from None
        if not isinstance(loaded, dict) or not isinstance(loaded.get("schema"), str):
            raise DocumentError("it has no schema field")
        if loaded["schema"] != self.schema:
            raise DocumentError(f"it has the schema {loaded['schema']!r}; this okstra reads {self.schema!r}")
        for name in self._sections:
            section = loaded.get(name, {})
            if not isinstance(section, dict) or not all(isinstance(entry, dict) for entry in section.values()):
                raise DocumentError(f"{name!r} is not a map of entries")
            self._sections[name] = dict(section)

    def _parsed(self, key: str, line: bytes) -> Entry:
        try:
            entry = json.loads(b"{" + line + b"}")
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"the entry {key!r} is damaged: {error}") from None
        value = entry.get(key)
        if not isinstance(value, dict):
            raise DocumentError(f"the entry {key!r} is damaged")
        return value


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")


def _line(key: str, entry: Entry) -> bytes:
    return _encode(key) + b": " + _encode(entry)
