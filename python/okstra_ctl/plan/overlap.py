"""S9: two stages with no dependency path between them touch no common file.

Only patterns of which one begins as the other does are compared, so stages that name plain files cost next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from ..markdown import shown
from .dependencies import Dependencies, ancestors
from .globs import intersect, size
from .model import Finding, error
from .structure import Entry

# Comparing two patterns costs about the product of their lengths; a plan made by hand needs a few thousand.
_MOST_WORK = 5_000_000
_SHOWN_CLASHES = 3
_WILDCARD = re.compile(r"[*?\[]")


class _Clashes:
    """For each stage those of earlier rows that it clashes with (a bit set), and the first few with their files."""

    def __init__(self, unrelated: Mapping[int, int]) -> None:
        self.unrelated = unrelated
        self.others: dict[int, int] = dict.fromkeys(unrelated, 0)
        self.examples: dict[int, list[str]] = {number: [] for number in unrelated}

    def add(self, stages: list[int], others: int, files: str) -> None:
        """Records the clashes of the stages that have one pattern with those (a bit set) that have another."""
        for stage in stages:
            new = others & self.unrelated[stage] & ~self.others[stage]
            self.others[stage] |= new
            while new and len(self.examples[stage]) < _SHOWN_CLASHES:
                self.examples[stage].append(f"stage {(new & -new).bit_length() - 1} by {files}")
                new &= new - 1


def check_overlap(
    entries: list[Entry], files: Mapping[int, tuple[str, ...]], dependencies: Dependencies, table_line: int
) -> list[Finding]:
    """The findings of S9; a stage with unknown dependencies is left out."""
    clashes = _Clashes(_unrelated(entries, dependencies))
    stages_of: dict[str, list[int]] = {}
    for entry in entries:
        for pattern in files[entry.number] if entry.number in clashes.unrelated else ():
            stages_of.setdefault(pattern, []).append(entry.number)
    masks = {pattern: sum(1 << stage for stage in stages) for pattern, stages in stages_of.items()}
    for pattern, stages in stages_of.items():
        clashes.add(stages, masks[pattern], shown(pattern))
    work = 0
    sizes = {pattern: size(pattern) for pattern in stages_of}
    for one, other in _pairs(stages_of):
        work += sizes[one] * sizes[other]
        if work > _MOST_WORK:
            message = (
                "The globs of the `Files` column overlap in too many ways to be compared; write folders and files."
            )
            return [error("S9", table_line, message)]
        if intersect(one, other):
            names = f"{shown(one)} and {shown(other)}"
            clashes.add(stages_of[one], masks[other], names)
            clashes.add(stages_of[other], masks[one], names)
    return [_finding(entry, clashes) for entry in entries if clashes.others.get(entry.number)]


def _unrelated(entries: list[Entry], dependencies: Dependencies) -> dict[int, int]:
    """For each stage a bit set of those in earlier rows that come neither before nor after it."""
    needs = dependencies.needs
    followers: dict[int, set[int]] = {number: set() for number in needs}
    for number, required in needs.items():
        for need in required:
            followers[need].add(number)
    before, after = ancestors(needs), ancestors(followers)
    in_doubt = sum(1 << number for number in dependencies.in_doubt)
    unrelated = {}
    earlier = 0
    for number in (entry.number for entry in entries):
        if not (before[number] | 1 << number) & in_doubt:
            unrelated[number] = earlier & ~before[number] & ~after[number]
            earlier |= 1 << number
    return unrelated


def _pairs(patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The pairs of patterns of which one begins, up to its first wildcard, as the other does."""
    ordered = sorted((_WILDCARD.split(f"/{pattern.rstrip('/')}/", maxsplit=1)[0], pattern) for pattern in patterns)
    for place, (head, pattern) in enumerate(ordered):
        # What begins with a head stands right behind it.
        for longer_head, other in islice(ordered, place + 1, None):
            if not longer_head.startswith(head):
                break
            yield pattern, other


def _finding(entry: Entry, clashes: _Clashes) -> Finding:
    examples = clashes.examples[entry.number]
    more = clashes.others[entry.number].bit_count() - len(examples)
    message = (
        f"Stage {entry.number} touches files of {', '.join(examples)}{f' and of {more} more' if more else ''}, "
        "with no dependency between them; let one depend on the other or part the files."
    )
    return error("S9", entry.row.line, message)
