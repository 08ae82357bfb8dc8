"""The lines that findings cite, with those around them, as they stand at the run's commit."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_AROUND = 3
_MOST_LINES, _LONGEST_LINE = 40, 400
MOST_CITED = 5000


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
