"""One name of a file pattern, between two slashes: `*`, `?`, `[...]`. Light to import.

A name also matches itself letter by letter, whatever it holds, because folders such as `[id]` are real.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from .star_sequences import can_meet, fits

Ranges = tuple[tuple[int, int], ...]

_SLASH = ord("/")
_LAST = 0x10FFFF
WILDCARDS = "*?["


class Name(NamedTuple):
    """A name as its text and its elements: sorted code point ranges of one character, None for `*`."""

    text: str
    elements: tuple[Ranges | None, ...]

    @property
    def is_literal(self) -> bool:
        """Whether the name matches nothing but its own text."""
        # An unclosed bracket is an ordinary character, hence the second look.
        return not has_wildcard(self.text) or self.only_text == self.text

    @property
    def only_text(self) -> str:
        """The one text that the elements can match (`.g[i]t` → `.git`); empty when there are several."""
        if any(element is None or len(element) != 1 or element[0][0] != element[0][1] for element in self.elements):
            return ""
        return "".join(chr(element[0][0]) for element in self.elements if element is not None)


def has_wildcard(text: str) -> bool:
    """Whether a name or pattern (str) holds a sign that may stand for others."""
    return any(sign in text for sign in WILDCARDS)


@lru_cache(maxsize=16384)
def read_name(text: str) -> Name:
    """The name (Name) that a piece of a pattern describes; an unclosed `[` is an ordinary character."""
    elements: list[Ranges | None] = []
    place = 0
    while place < len(text):
        end = _class_end(text, place) if text[place] == "[" else -1
        if end > 0:
            elements.append(_class(text[place + 1 : end]))
            place = end
        elif text[place] != "*":
            elements.append(_ranges([(0, _LAST)]) if text[place] == "?" else ((ord(text[place]),) * 2,))
        elif not elements or elements[-1] is not None:
            elements.append(None)
        place += 1
    return Name(text, tuple(elements))


def _class_end(text: str, start: int) -> int:
    """Where the `]` of the class that opens at `start` stands, or -1."""
    place = start + 1
    if text[place : place + 1] in ("!", "^"):
        place += 1
    # A bracket in the first place is a member, as in `[]a]`.
    return text.find("]", place + 1)


def _class(inside: str) -> Ranges:
    """The characters of a class such as `a-z_` or `!0-9`."""
    negated = inside[:1] in ("!", "^")
    members = inside[1:] if negated else inside
    ranges = []
    place = 0
    while place < len(members):
        wide = members[place + 1 : place + 2] == "-" and place + 2 < len(members)
        ranges.append((ord(members[place]), ord(members[place + 2 if wide else place])))
        place += 3 if wide else 1
    return _ranges(_complement(ranges) if negated else ranges)


def _complement(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """All code points outside the ranges."""
    result, low = [], 0
    for first, last in _ranges(ranges):
        result.append((low, first - 1))
        low = last + 1
    return [*result, (low, _LAST)]


def _ranges(ranges: list[tuple[int, int]]) -> Ranges:
    """The ranges sorted, merged, without empty ones and without the slash, which no name holds."""
    result: list[tuple[int, int]] = []
    parts = [part for low, high in ranges for part in ((low, min(high, _SLASH - 1)), (max(low, _SLASH + 1), high))]
    for low, high in sorted(part for part in parts if part[0] <= part[1]):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


def name_matches(name: Name, text: str) -> bool:
    """Whether a name of a path (str, without slashes) matches."""
    return name.text == text or fits(name.elements, text, _holds)


def _holds(ranges: Ranges, character: str) -> bool:
    code = ord(character)
    return any(low <= code <= high for low, high in ranges)


def names_meet(one: Name, other: Name) -> bool:
    """Whether some name matches both; `.` and `..` are no names."""
    return one.text == other.text or _texts_meet(one.text, other.text)


@lru_cache(maxsize=16384)
def _texts_meet(one_text: str, other_text: str) -> bool:
    one, other = read_name(one_text), read_name(other_text)
    if name_matches(one, other_text) or name_matches(other, one_text):
        return True
    if not can_meet((one.elements, other.elements), _overlap):
        return False
    if not any(fits(one.elements, dots, _holds) and fits(other.elements, dots, _holds) for dots in (".", "..")):
        return True
    # The common name may be one of the two that don't count, so ask for one with something else in it.
    real = (read_name(text).elements for text in ("[!.]*", ".[!.]*", "..?*"))
    return any(can_meet((one.elements, other.elements, shape), _overlap) for shape in real)


def _overlap(sets: list[Ranges]) -> bool:
    """Whether one character is in all the sets."""
    common = list(sets[0])
    for ranges in sets[1:]:
        pairs = [(max(a, c), min(b, d)) for a, b in common for c, d in ranges]
        common = [pair for pair in pairs if pair[0] <= pair[1]]
    return bool(common)
