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


class _Body:
    """A section's body: a newline, its entries' lines joined by commas and newlines, and a newline.

    It is part of a text, or pieces of texts, which are put together when they are searched: of megabytes each copy
    counts, and one who changes an entry most often only writes them out.
    """

    def __init__(self, *pieces: memoryview) -> None:
        self.pieces = pieces
        self._place: tuple[bytes, int, int] | None = None
        self._found: dict[bytes, list[bytes]] = {}

    @classmethod
    def within(cls, text: bytes, begin: int, end: int) -> _Body:
        body = cls(memoryview(text)[begin:end])
        body._place = text, begin, end
        return body

    @property
    def place(self) -> tuple[bytes, int, int]:
        """A text, and where in it the body begins and ends."""
        if self._place is None:
            text = b"".join(self.pieces)
            self.pieces = (memoryview(text),)
            self._place = text, 0, len(text)
        return self._place

    def spliced(self, begin: int, end: int, new: bytes) -> _Body:
        """The body with other bytes from `begin` to `end` of its text."""
        text, first, last = self.place
        whole = memoryview(text)
        return _Body(whole[first:begin], memoryview(new), whole[end:last])

    def lines(self, needle: bytes) -> list[bytes]:
        """Those that hold the needle. One command asks for the same ones several times."""
        if needle not in self._found:
            text, begin, end = self.place
            self._found[needle] = list(lines_with(text, needle, begin, end))
        return self._found[needle]


class LinedDocument:
    """Sections of keyed entries. `schema` is `<name>/<major>`."""

    def __init__(self, schema: str, sections: tuple[str, ...]) -> None:
        self.schema = schema
        self._bodies = dict.fromkeys(sections, _Body.within(_EMPTY, 0, 1))

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
        return None if place is None else _parsed(self._bodies[section].place[0][slice(*place)])[1]

    def put(self, section: str, key: str, entry: Entry) -> None:
        """Adds the entry at the end, or replaces the one of that key where it stands."""
        body, line = self._bodies[section], _line(key, entry)
        place = self._find(section, key)
        text, first, last = body.place
        if place is not None:
            begin, end = place
            comma = b"," if text[end - 1 : end] == b"," else b""
            self._bodies[section] = body.spliced(begin, end, line + comma)
        else:
            glue = b"\n" if last - first == len(_EMPTY) else b",\n"
            self._bodies[section] = body.spliced(last - 1, last, glue + line + b"\n")

    def remove(self, section: str, key: str) -> None:
        """Takes the entry out; a key that is not there is no error."""
        place = self._find(section, key)
        if place is None:
            return
        body, (begin, end) = self._bodies[section], place
        text, _, last = body.place
        if end + 1 < last:
            self._bodies[section] = body.spliced(begin, end + 1, b"")
        else:  # the last one: the comma behind the one before it goes too
            joint = begin - 2 if text[begin - 2 : begin] == b",\n" else begin - 1
            self._bodies[section] = body.spliced(joint, last, b"\n")

    def starting(self, section: str, prefix: str) -> Iterator[tuple[str, Entry]]:
        """Entries whose key begins so; other lines are not looked at. Raises DocumentError at a damaged one."""
        return map(_parsed, self._bodies[section].lines(b"\n" + encode(prefix)[:-1]))

    def items(self, section: str) -> Iterator[tuple[str, Entry]]:
        """Every key with its entry. Raises DocumentError at a damaged one."""
        return map(_parsed, self._bodies[section].lines(b"")[1:-1])

    def mentioning(self, section: str, field: str, value: str) -> Iterator[tuple[str, Entry]]:
        """Entries whose `field` equals `value`; lines without that text are not parsed."""
        for line in self._bodies[section].lines(encode(field) + b": " + encode(value)):
            key, entry = _parsed(line)
            if entry.get(field) == value:
                yield key, entry

    def dump(self) -> bytes:
        """The document as bytes. It goes on from these: what was changed is put together once."""
        parts: list[bytes | memoryview] = [b'{"schema": ' + encode(self.schema)]
        places, size = {}, len(parts[0])
        for name, body in self._bodies.items():
            head = (b",\n" if len(parts) == 1 else b"},\n") + encode(name) + b": {"
            begin = size + len(head)
            size = begin + sum(map(len, body.pieces))
            places[name] = begin, size
            parts += [head, *body.pieces]
        text = b"".join([*parts, _END])
        self._bodies = {name: _Body.within(text, *place) for name, place in places.items()}
        return text

    def _find(self, section: str, key: str) -> tuple[int, int] | None:
        """Begin and end of the key's line in the body's text, its comma included."""
        text, first, last = self._bodies[section].place
        found = text.rfind(b"\n" + encode(key) + b": {", first, last)  # from the end: what is asked for is often new
        return None if found < 0 else (found + 1, text.index(b"\n", found + 1))

    def _read_lined(self, data: bytes) -> bool:
        """Finds the bodies by the lines between sections; False when the layout is another."""
        names = list(self._bodies)
        head = b'{"schema": ' + encode(self.schema) + b",\n" + encode(names[0]) + b": {"
        if not data.startswith(head) or not data.endswith(_END):
            return False
        places, begin = [], len(head)
        for name in names[1:]:
            border = b"\n},\n" + encode(name) + b": {"
            end = data.find(border, begin)
            if end < 0:
                return False
            places.append((begin, end + 1))
            begin = end + len(border)
        places.append((begin, len(data) - len(_END)))
        if not all(_looks_like_body(data, *place) for place in places):
            return False
        self._bodies = {name: _Body.within(data, *place) for name, place in zip(names, places, strict=True)}
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
            body = _EMPTY + lines + b"\n" if lines else _EMPTY
            self._bodies[name] = _Body.within(body, 0, len(body))


def _looks_like_body(text: bytes, begin: int, end: int) -> bool:
    """Whether every line is one entry with a plain key: nothing that is searched for can be read past.

    What an entry holds is checked when it is asked for.
    """
    if end - begin > _SMALL:
        return _looks_like_long_body(text, begin, end)
    body = text[begin:end]
    entries = body[1:-1].split(b",\n")
    framed = body[:1] + body[-1:] == b"\n\n" and body.count(b"\n") == len(entries) + 1
    return body == _EMPTY or (framed and all(map(_is_one_entry, entries)))


def _looks_like_long_body(text: bytes, begin: int, end: int) -> bool:
    """The same by patterns: what compiles them costs 6 ms to bring in, and then they take a fifth of the time."""
    import re

    lines = re.compile(rb'\n(?:"[^"\\\n]*": \{.*\},\n)*"[^"\\\n]*": \{.*\}\n')
    two_on_a_line = re.compile(rb'\}, *"[^"\n]*" *: *\{')
    return lines.fullmatch(text, begin, end) is not None and two_on_a_line.search(text, begin, end) is None


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
