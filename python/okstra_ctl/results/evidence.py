"""Whether a citation matches what is in the repository (docs/design/leading.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..status import HIDDEN_MARK
from .records import Evidence, EvidenceStatus

_REACH = 20
# Encodings of source files, tried in this order; latin-1 decodes any bytes.
_ENCODINGS = ("utf-8", "cp949", "latin-1")
LARGEST_BYTES = 16 * 1024 * 1024


class Checked(NamedTuple):
    """The result of checking one line of evidence. `first` and `last` are the lines where the text really is (0:
    nowhere); `note` says why it was not checked, or where else it was found. Of a command: the exit of each run, and
    the end of what it printed."""

    evidence: Evidence
    status: EvidenceStatus
    first: int = 0
    last: int = 0
    note: str = ""
    exits: tuple[int, ...] = ()
    output: str = ""


class Text(NamedTuple):
    """A file's lines; in several decodings when it is not UTF-8."""

    readings: tuple[tuple[str, ...], ...]


def read_text(data: bytes) -> Text | None:
    """The text of a blob; None for a binary one."""
    if b"\0" in data[:8192]:
        return None
    readings = []
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        readings.append(tuple(text.split("\n")))
        if encoding == "utf-8":
            break
    return Text(tuple(readings))


def folded(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def check_citation(evidence: Evidence, text: Text) -> Checked:
    """Checks whether the quotation is at those lines. Within 20 lines it has `moved`; farther away it is not found.

    Without lines it may be anywhere. Without a quotation only the existence of the lines is checked.
    """
    lines = len(text.readings[0]) - (1 if text.readings[0][-1:] == ("",) else 0)
    if evidence.first > max(lines, 1) or evidence.last > max(lines, 1):
        return Checked(evidence, EvidenceStatus.NOT_FOUND, note=f"the file has {lines} lines")
    quote = folded(evidence.quote)
    if not quote:
        return Checked(evidence, EvidenceStatus.UNCHECKED, note="nothing is quoted")
    if HIDDEN_MARK in evidence.quote:
        return Checked(evidence, EvidenceStatus.UNCHECKED, note="a secret in the quotation was hidden")
    for reading in text.readings:
        found = _find(quote, reading, evidence.first, evidence.last)
        if found is not None:
            first, last = found
            inside = not evidence.first or (evidence.first <= first and last <= evidence.last)
            status = EvidenceStatus.VERIFIED if inside else EvidenceStatus.MOVED
            return Checked(evidence, status, first, last)
    return Checked(evidence, EvidenceStatus.NOT_FOUND, note="the text is not there")


def _find(quote: str, lines: Sequence[str], first: int, last: int) -> tuple[int, int] | None:
    """First and last line (1-based) of the quotation: at the lines given, else the nearest within reach."""
    if not first:
        return next(iter(_places(quote, lines, 1, len(lines))), None)
    at = next(iter(_places(quote, lines, first, last)), None)
    if at is not None:
        return at
    near = _places(quote, lines, max(1, first - _REACH), min(len(lines), last + _REACH))
    return min(near, key=lambda place: abs(place[0] - first), default=None)


def _places(quote: str, lines: Sequence[str], first: int, last: int) -> list[tuple[int, int]]:
    """Where the quotation occurs in those lines, also when it spans several of them."""
    starts, joined = [], ""
    for number in range(first, last + 1):
        line = folded(lines[number - 1])
        if line:
            joined += " " if joined else ""
            starts.append((len(joined), number))
            joined += line
    places = []
    position = joined.find(quote)
    while position >= 0:
        end = position + len(quote) - 1
        inside = [number for offset, number in starts if offset <= position]
        until = [number for offset, number in starts if offset <= end]
        places.append((inside[-1], until[-1]))
        position = joined.find(quote, position + 1)
    return places


_WORST_FIRST = (
    *(EvidenceStatus.NOT_FOUND, EvidenceStatus.MOVED, EvidenceStatus.VERIFIED),
    *(EvidenceStatus.FLAKY, EvidenceStatus.NOT_RUN, EvidenceStatus.UNCHECKED),
)


def finding_status(checked: Sequence[Checked]) -> EvidenceStatus:
    """The status of a whole finding: one citation that is not found outweighs any number that are. A contradicted
    command counts only where nothing else is cited: what else the finding rests on still stands."""
    statuses = {one.status for one in checked}
    for status in _WORST_FIRST:
        if status in statuses:
            return status
    return EvidenceStatus.CONTRADICTED if statuses else EvidenceStatus.UNCHECKED


def stands_on_nothing(checked: Sequence[Checked]) -> bool:
    """Whether all of it was checked, and none of it is there."""
    return bool(checked) and all(
        one.status in (EvidenceStatus.NOT_FOUND, EvidenceStatus.CONTRADICTED) for one in checked
    )
