"""S9: two stages with no dependency path between them touch no common file (spec 3, "The Stage Map").

Two things keep a plan of thousands of stages from costing the square of them. Which stages are unrelated is asked of
bit sets, one bit a stage; and two patterns are only compared when one begins, and ends, as the other does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .cells import shown
from .cycles import in_order
from .dependencies import Dependencies
from .file_cells import Files
from .globs import Pattern, patterns_meet, read_pattern
from .numbering import Entry
from .pattern_pairs import candidate_pairs
from .records import Finding

# Work allowed for comparing globs, in quick checks; a plan made by hand needs a few hundred.
_MOST_WORK = 2_000_000
_WORK_OF_MEETING = 40
_SHOWN_CLASHES = 3


class _Order(NamedTuple):
    """Stages so that each comes after those it depends on: `places` by position, bit sets of positions before each."""

    places: list[int]
    before: list[int]


class _Clashes:
    """What was found for each position: the positions it clashes with, and the first few with the files."""

    def __init__(self) -> None:
        self.others: dict[int, int] = {}
        self.examples: dict[int, list[tuple[int, str]]] = {}

    def add(self, position: int, others: int, files: str) -> None:
        """Adds a bit set of earlier positions that share files with a position."""
        others &= ~self.others.get(position, 0)
        self.others[position] = self.others.get(position, 0) | others
        examples = self.examples.setdefault(position, [])
        while others and len(examples) < _SHOWN_CLASHES:
            examples.append(((others & -others).bit_length() - 1, files))
            others &= others - 1


def check_overlap(
    entries: Sequence[Entry], files: Sequence[Files], dependencies: Dependencies, table_line: int
) -> list[Finding]:
    """The findings of S9 for stages (Entry) with their files (Files) and dependencies (Dependencies)."""
    order = _order(dependencies)
    holders: dict[str, list[int]] = {}
    for position, place in enumerate(order.places):
        if not dependencies.loose[place]:
            for pattern in files[place].patterns:
                holders.setdefault(pattern, []).append(position)
    clashes = _Clashes()
    for pattern, positions in holders.items():
        if len(positions) > 1:
            _same_pattern(pattern, positions, order, clashes)
    finished = _different_patterns(holders, order, clashes)
    findings = [_finding(position, clashes, order, entries) for position in clashes.others]
    if not finished:
        message = "The globs of the `Files` column overlap in too many ways to be compared; write folders and files."
        findings.append(Finding("S9", "error", table_line, message))
    return findings


def _order(dependencies: Dependencies) -> _Order:
    """Orders the stages and marks as loose all that build on a loose one; circles are not in the order."""
    edges = dependencies.edges
    places = in_order(edges)
    position_of = {place: position for position, place in enumerate(places)}
    before: list[int] = []
    for place in places:
        mask = 0
        for target in edges[place]:
            mask |= before[position_of[target]] | 1 << position_of[target]
            dependencies.loose[place] = dependencies.loose[place] or dependencies.loose[target]
        before.append(mask)
    return _Order(places, before)


def _same_pattern(pattern: str, positions: list[int], order: _Order, clashes: _Clashes) -> None:
    """Clashes among stages that write the very same pattern."""
    earlier = 0
    for position in positions:
        others = earlier & ~order.before[position]
        if others:
            clashes.add(position, others, shown(pattern))
        earlier |= 1 << position


def _different_patterns(holders: dict[str, list[int]], order: _Order, clashes: _Clashes) -> bool:
    """Clashes by two patterns that meet; False when there was too much to compare."""
    read = {pattern: read_pattern(pattern) for pattern in holders}
    work = 0
    for one, other in candidate_pairs(read):
        work += 1
        ours, theirs = holders[one], holders[other]
        if work > _MOST_WORK:
            return False
        # Looking up one pair of stages is quicker than comparing patterns.
        if len(ours) == len(theirs) == 1 and _related(ours[0], theirs[0], order):
            continue
        work += _WORK_OF_MEETING + _length(read[one]) * _length(read[other]) // 50
        if patterns_meet(read[one], read[other]):
            work += len(ours) + len(theirs)
            files = f"{shown(one)} and {shown(other)}"
            _across(ours, theirs, files, order, clashes)
            _across(theirs, ours, files, order, clashes)
    return True


def _length(pattern: Pattern) -> int:
    """How many states a walk of the pattern has at most."""
    return 1 if pattern.is_literal else sum(1 if name is None else len(name.elements) for name in pattern.names)


def _related(one: int, other: int, order: _Order) -> bool:
    first, last = min(one, other), max(one, other)
    return first == last or bool(order.before[last] >> first & 1)


def _across(ours: list[int], theirs: list[int], files: str, order: _Order, clashes: _Clashes) -> None:
    """Clashes of the stages of one pattern with earlier stages of another."""
    mask = 0
    waiting = iter(theirs)
    following = next(waiting, None)
    for position in ours:
        while following is not None and following < position:
            mask |= 1 << following
            following = next(waiting, None)
        others = mask & ~order.before[position]
        if others:
            clashes.add(position, others, files)


def _finding(position: int, clashes: _Clashes, order: _Order, entries: Sequence[Entry]) -> Finding:
    examples = [f"{entries[order.places[other]].name} by {files}" for other, files in clashes.examples[position]]
    more = clashes.others[position].bit_count() - len(examples)
    entry = entries[order.places[position]]
    message = (
        f"{entry.name.capitalize()} touches files of {', '.join(examples)}{f' and of {more} more' if more else ''}, "
        "with no dependency between them; let one depend on the other or part the files."
    )
    return Finding("S9", "error", entry.row.line, message)
