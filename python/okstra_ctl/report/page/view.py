"""All that a page is made from (the flow gathers it; nothing here asks for more), how the texts of agents look on it,
and the lines that findings cite, with those around them, as they stand at the run's commit."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..now import Now
from ..parts import Field

_LONG = 1500
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"https?://[^\s<>\"'`\\^{|}]+[^\s<>\"'`\\^{|}.,;:!?)\]]")
_AROUND = 3
_MOST_LINES, _LONGEST_LINE = 40, 400
MOST_CITED = 5000


class Dispatch(NamedTuple):
    """One worker's turn: `start` in seconds after the run's first; `seconds` None while it has not ended."""

    worker: str
    label: str
    attempt: int
    start: float
    seconds: float | None
    outcome: str
    state: str


class Words(NamedTuple):
    """The words of the report's language, by name."""

    labels: Mapping[str, str]

    def __call__(self, name: str) -> str:
        return self.labels[name]

    def token(self, word: object) -> str:
        """A word of the records (a class, an outcome) in the report's language; itself when it has no translation."""
        return self.labels.get(f"word_{word}", str(word))

    def phase(self, task_type: str) -> str:
        return self.labels.get(f"phase_{task_type}", task_type)

    def field(self, field: Field) -> str:
        return self.labels.get(f"field_{field.name}", field.title)

    def gate(self, name: str) -> str:
        return self.labels.get(f"gate_{name}", name)

    def column(self, name: str) -> str:
        return self.labels.get(f"column_{name}", name)

    def columns(self, names: Sequence[str]) -> list[str]:
        return [self.column(name) for name in names]


class View(NamedTuple):
    """`tokens` are the phase's verdicts, best first; `digest` is the SHA-256 of the data that the page shows;
    `style` and `script` are okstra's own; `now` is where the task stands, when it is rendered again."""

    report: Mapping[str, Any]
    fields: Sequence[Field]
    words: Words
    tokens: Sequence[str]
    excerpts: Mapping[Cited, Excerpt]
    dispatches: Sequence[Dispatch]
    rounds: Sequence[Mapping[str, Any]]
    digest: str
    style: str
    script: str
    now: Now | None = None


class Part(NamedTuple):
    """A part of an agent's text. `kind` is `text`, `code` or `link`."""

    kind: str
    text: str


class Prose(NamedTuple):
    """A text of an agent. What is very long is folded, so that it does not bury the rest: `short` is what shows."""

    whole: str
    short: str = ""


def parts_of(content: str) -> Iterator[Part]:
    """A text as agents write them: what stands in backticks is code, addresses of the web are links."""
    for place, part in enumerate(_CODE.split(content)):
        if place % 2:
            yield Part("code", part)
        else:
            yield from _linked(part)


def prose_of(value: object) -> Prose:
    content = str(value).strip()
    return Prose(content) if len(content) <= _LONG else Prose(content, content[: _LONG // 3])


def policy_hash(content: str) -> str:
    """How a Content-Security-Policy names the one style or script that a page may use."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _linked(content: str) -> Iterator[Part]:
    position = 0
    for found in _LINK.finditer(content):
        yield Part("text", content[position : found.start()])
        yield Part("link", found[0])
        position = found.end()
    yield Part("text", content[position:])


class Cited(NamedTuple):
    """A place that is cited: a path in the repository, and the first and last line."""

    path: str
    first: int
    last: int


class Line(NamedTuple):
    number: int
    text: str
    cited: bool


class Excerpt(NamedTuple):
    """`cut` tells that more lines are cited than are shown."""

    lines: tuple[Line, ...]
    cut: bool


def cited_places(report: Mapping[str, Any]) -> list[Cited]:
    """Every place that the report's evidence names by lines, each once, in the order of the report."""
    places = (place for line in _evidence_of(report) if (place := place_of(line)) is not None)
    return list(dict.fromkeys(places))[:MOST_CITED]


def place_of(evidence: Mapping[str, Any]) -> Cited | None:
    """Where the evidence really stands if a program found it, else where it is said to stand."""
    lines = evidence.get("found_lines") or evidence.get("lines")
    path = _inside(evidence.get("path", ""))
    return Cited(path, lines[0], lines[1]) if lines and path else None


def excerpt(place: Cited, lines: Sequence[str]) -> Excerpt | None:
    """The place in its file; None when the file has no such lines."""
    if lines and not lines[-1]:  # what follows the last newline is no line
        lines = lines[:-1]
    first, last = place.first, max(place.first, place.last)
    if first > len(lines):
        return None
    shown_last = min(last, first + _MOST_LINES - 1)
    begin, end = max(1, first - _AROUND), min(len(lines), shown_last + _AROUND)
    rows = (Line(number, _short(lines[number - 1]), first <= number <= last) for number in range(begin, end + 1))
    return Excerpt(tuple(rows), shown_last < min(last, len(lines)))


def _evidence_of(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for finding in report["findings"]:
        yield from finding["evidence"]
        for ballot in finding["verdicts"]:
            yield from ballot["evidence"]
    for step in report["steps"]:
        yield from step["evidence"]


def _inside(path: str) -> str:
    """The path as git knows it; empty when it is none inside the repository."""
    normal = posixpath.normpath(path) if path else ""
    outside = posixpath.isabs(normal) or normal.startswith("../") or normal in ("", ".", "..") or "\0" in normal
    return "" if outside else normal


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
