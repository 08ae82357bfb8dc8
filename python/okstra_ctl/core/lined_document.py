"""A JSON document that keeps one entry on a line, so that a change costs the entries it touches.

The file is plain JSON: `{"schema": …, "<section>": {"<key>": {…}, …}, …}`. When it has the layout that
`dump` writes, an entry is found by searching for its key at the start of a line (JSON text holds no raw
newline), and only entries that somebody asks for are parsed; any other layout of the same JSON (a hand
edit, a pretty-printer) is parsed whole. So one entry among 10,000 costs two milliseconds, where parsing
and writing all of them costs a hundred.
"""

from __future__ import annotations

from ..words.hints import Iterator
from .json_text import encode, loads
from .text_lines import lines_with

Entry = dict[str, object]

_EMPTY = b"\n"
_END = b"}\n}\n"
_SMALL = 1024 * 1024  # bytes


class DocumentError(ValueError):
    """The bytes are not this document. The message says what is wrong."""


class LinedDocument:
    """Sections of keyed entries. `schema` is `<name>/<major>`.

    A section's body is a newline, its entries' lines joined by commas and newlines, and a newline.
    """

    def __init__(self, schema: str, sections: tuple[str, ...]) -> None:
        self.schema = schema
        self._bodies = dict.fromkeys(sections, _EMPTY)

    @classmethod
    def parse(cls, data: bytes, schema: str, sections: tuple[str, ...]) -> LinedDocument:
        """Raises DocumentError when the bytes are not such a document, or of another schema or major version."""
        document = cls(schema, sections)
        if not document._read_lined(data):
            document._read_whole(data)
        return document

    def copy(self) -> LinedDocument:
        """One that can be changed by itself."""
        document = LinedDocument(self.schema, ())
        document._bodies = dict(self._bodies)
        return document

    def get(self, section: str, key: str) -> Entry | None:
        """The entry; None when there is none. Raises DocumentError when its line is damaged."""
        place = self._find(section, key)
        return None if place is None else _parsed(self._bodies[section][slice(*place)])[1]

    def put(self, section: str, key: str, entry: Entry) -> None:
        """Adds the entry at the end, or replaces the one of that key where it stands."""
        body, line = self._bodies[section], _line(key, entry)
        place = self._find(section, key)
        if place is not None:
            begin, end = place
            comma = b"," if body[end - 1 : end] == b"," else b""
            self._bodies[section] = _spliced(body, begin, end, line + comma)
        else:
            glue = b"\n" if body == _EMPTY else b",\n"
            self._bodies[section] = _spliced(body, len(body) - 1, len(body), glue + line + b"\n")

    def remove(self, section: str, key: str) -> None:
        """Takes the entry out; a key that is not there is no error."""
        place = self._find(section, key)
        if place is None:
            return
        body, (begin, end) = self._bodies[section], place
        before, after = body[:begin], body[end + 1 :]
        self._bodies[section] = before + after if after else before.removesuffix(b",\n").removesuffix(b"\n") + b"\n"

    def starting(self, section: str, prefix: str) -> Iterator[tuple[str, Entry]]:
        """Entries whose key begins so; other lines are not looked at. Raises DocumentError at a damaged one."""
        return map(_parsed, lines_with(self._bodies[section], b"\n" + encode(prefix)[:-1]))

    def items(self, section: str) -> Iterator[tuple[str, Entry]]:
        """Every key with its entry. Raises DocumentError at a damaged one."""
        for line in self._bodies[section].split(b"\n")[1:-1]:
            yield _parsed(line)

    def mentioning(self, section: str, field: str, value: str) -> Iterator[tuple[str, Entry]]:
        """Entries whose `field` equals `value`; lines without that text are not parsed."""
        for line in lines_with(self._bodies[section], encode(field) + b": " + encode(value)):
            key, entry = _parsed(line)
            if entry.get(field) == value:
                yield key, entry

    def dump(self) -> bytes:
        """The document as bytes."""
        parts = [b'{"schema": ' + encode(self.schema)]
        for name, body in self._bodies.items():
            parts += [b",\n" if len(parts) == 1 else b"},\n", encode(name), b": {", body]
        return b"".join([*parts, _END])

    def _find(self, section: str, key: str) -> tuple[int, int] | None:
        """Begin and end of the key's line, its comma included."""
        body = self._bodies[section]
        found = body.rfind(b"\n" + encode(key) + b": {")  # from the end: what is asked for is most often new
        return None if found < 0 else (found + 1, body.index(b"\n", found + 1))

    def _read_lined(self, data: bytes) -> bool:
        """Cuts the bodies out along the lines between sections; False when the layout is another."""
        names = list(self._bodies)
        head = b'{"schema": ' + encode(self.schema) + b",\n" + encode(names[0]) + b": {"
        if not data.startswith(head) or not data.endswith(_END):
            return False
        bodies, begin = [], len(head)
        for name in names[1:]:
            border = b"\n},\n" + encode(name) + b": {"
            end = data.find(border, begin)
            if end < 0:
                return False
            bodies.append(data[begin : end + 1])
            begin = end + len(border)
        bodies.append(data[begin : -len(_END)])
        if not all(_looks_like_body(body) for body in bodies):
            return False
        self._bodies = dict(zip(names, bodies, strict=True))
        return True

    def _read_whole(self, data: bytes) -> None:
        try:
            loaded = loads(data)
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"it is not JSON: {error}") from None
        if not isinstance(loaded, dict) or not isinstance(loaded.get("schema"), str):
            raise DocumentError("it has no schema field")
        if loaded["schema"] != self.schema:
            raise DocumentError(f"it has the schema {loaded['schema']!r}; this okstra reads {self.schema!r}")
        for name in self._bodies:
            section = loaded.get(name, {})
            if not isinstance(section, dict) or not all(isinstance(entry, dict) for entry in section.values()):
                raise DocumentError(f"{name!r} is not a map of entries")
            lines = b",\n".join(_line(key, entry) for key, entry in section.items())
            self._bodies[name] = _EMPTY + lines + b"\n" if lines else _EMPTY


def _spliced(body: bytes, begin: int, end: int, new: bytes) -> bytes:
    """The body with other bytes from `begin` to `end`; its megabytes are copied once."""
    whole = memoryview(body)
    return b"".join((whole[:begin], new, whole[end:]))


def _looks_like_body(body: bytes) -> bool:
    """Whether every line is one entry with a plain key: nothing that is searched for can be read past.

    What an entry holds is checked when it is asked for.
    """
    if len(body) > _SMALL:
        return _looks_like_long_body(body)
    entries = body[1:-1].split(b",\n")
    framed = body[:1] + body[-1:] == b"\n\n" and body.count(b"\n") == len(entries) + 1
    return body == _EMPTY or (framed and all(map(_is_one_entry, entries)))


def _looks_like_long_body(body: bytes) -> bool:
    """The same by regular expressions: bringing them in costs 6 ms, and then they take a fifth of the time."""
    import re

    lines = rb'\n(?:"[^"\\\n]*": \{.*\},\n)*"[^"\\\n]*": \{.*\}\n'
    two_on_a_line = rb'\}, *"[^"\n]*" *: *\{'
    return re.fullmatch(lines, body) is not None and re.search(two_on_a_line, body) is None


def _is_one_entry(line: bytes) -> bool:
    end = line.find(b'"', 1)
    is_entry = line.startswith(b'"') and line.startswith(b'": {', end) and line.endswith(b"}")
    return is_entry and b"\\" not in line[:end] and not any(map(_begins_an_entry, _behind_objects(line)))


def _behind_objects(line: bytes) -> Iterator[bytes]:
    """What stands in the line behind each object that a comma follows."""
    end = line.find(b"},")
    while end >= 0:
        yield line[end + 2 :].lstrip(b" ")
        end = line.find(b"},", end + 1)


def _begins_an_entry(part: bytes) -> bool:
    key, colon, value = part[1:].partition(b'"')[2].partition(b":")
    return part.startswith(b'"') and colon != b"" and not key.strip(b" ") and value.lstrip(b" ").startswith(b"{")


def _parsed(line: bytes) -> tuple[str, Entry]:
    try:
        ((key, entry),) = loads(b"{" + line.removesuffix(b",") + b"}").items()
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"the entry {line[:60]!r} is damaged: {error}") from None
    if not isinstance(entry, dict):
        raise DocumentError(f"the entry {key!r} is damaged")
    return key, entry


def _line(key: str, entry: Entry) -> bytes:
    return encode(key) + b": " + encode(entry)
