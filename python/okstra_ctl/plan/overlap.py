"""S9: two stages with no dependency path between them touch no common file.

Only patterns of which one begins as the other does are compared, so stages that name plain files cost next to nothing.

S3 is about the `Depends on` cells. No dependency is written `(none)`; an empty cell, a dash, `none`, `n/a` and `없음`
mean the same, as that is what people write.

S5 and S10 are about the `Files` cells. A cell lists patterns in code spans or bare, with commas, semicolons, `<br>` or,
between code spans, spaces. Words next to a code span are a remark (`src/a.py` (new)). Braces (`src/{a,b}.ts`) are
spelled out.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import islice, product
from math import prod
from typing import NamedTuple

from ..markdown import (
    EMPTY_WORDS,
    Piece,
    is_empty_cell,
    outside_code,
    pieces,
    plain_text,
    shown,
    split_breaks,
    without_comments,
)
from .globs import WILDCARD, PatternError, intersect, is_path_word, normalise, size
from .model import Finding, error
from .parse import DEPENDS_ON, FILES, Row
from .structure import Entry

_WORD = re.compile(r"[0-9]+|[^\W\d]+|[^\w\s,;#&+.()/]+")
_FILLERS = frozenset(["stage", "stages", "s", "and", "step", "및", "와", "과", "단계", "스테이지"])
_LONGEST_SHOWN_CYCLE = 30

Needs = dict[int, set[int]]
# Comparing two patterns costs about the product of their lengths; a plan made by hand needs a few thousand.
_MOST_WORK = 5_000_000
_SHOWN_CLASHES = 3
_MOST_FROM_BRACES = 64
_BULLET = re.compile(r"[-*+•][ \t]+")
_REMARK = re.compile(r"[ \t]\([^()]*\)$")
_LINES = re.compile(r"(?<=\w):\d{1,7}(?:[-–]\d{1,7})?$")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


class Dependencies(NamedTuple):
    """Stage number to the stages that it depends on directly; `in_doubt` are those with a wrong dependency."""

    needs: Needs
    in_doubt: set[int]


def check_dependencies(entries: list[Entry]) -> tuple[Dependencies, list[Finding]]:
    """The dependencies, cut open where they go in a circle, with the findings of S3."""
    needs: Needs = {entry.number: set() for entry in entries}
    in_doubt: set[int] = set()
    findings = []
    for entry in entries:
        needs[entry.number], problems = _read_cell(entry, needs.keys())
        for problem in problems:
            in_doubt.add(entry.number)
            message = f"{problem}; write the numbers of earlier stages, as in `1, 2`, or `(none)`."
            findings.append(error("S3", entry.row.line, message))
    lines = {entry.number: entry.row.line for entry in entries}
    while cycle := _find_cycle(needs):
        shown_numbers = [str(number) for number in cycle]
        if len(cycle) > _LONGEST_SHOWN_CYCLE:
            shown_numbers[_LONGEST_SHOWN_CYCLE - 2 : -2] = ["…"]
        message = f"The dependencies go in a circle: {' → '.join(shown_numbers)}; remove one of them."
        findings.append(error("S3", lines[cycle[0]], message))
        in_doubt.update(cycle)
        for number in cycle:
            needs[number].difference_update(cycle)
    return Dependencies(needs, in_doubt), findings


def _read_cell(entry: Entry, known: Container[int]) -> tuple[set[int], list[str]]:
    """The stages that a cell names, and what is wrong with it."""
    cell = plain_text(entry.row.cell(DEPENDS_ON))
    if is_empty_cell(cell):
        return set(), []
    words = [word for word in _WORD.findall(cell) if word.casefold() not in _FILLERS]
    # Beyond nine digits all numbers are alike: none of them is a stage.
    numbers = dict.fromkeys(int(word[:10]) for word in words if word[0] in "0123456789")
    problems = []
    if not numbers or any(word[0] not in "0123456789" for word in words):
        problems.append(f"{shown(cell)} is no list of stage numbers")
    if entry.number in numbers:
        problems.append(f"Stage {entry.number} depends on itself")
    unknown = [str(number) for number in numbers if number not in known]
    if unknown:
        problems.append(f"No stage has the number {', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''}")
    return {number for number in numbers if number in known} - {entry.number}, problems


def _find_cycle(needs: Needs) -> list[int]:
    """A circle, with its lowest stage at both ends; empty when there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as problem:
        cycle = problem.args[1][:0:-1]
        start = cycle.index(min(cycle))
        return [*cycle[start:], *cycle[: start + 1]]
    return []


def ancestors(needs: Needs) -> dict[int, int]:
    """For each stage a bit set of all stages that come before it. Raises CycleError."""
    before: dict[int, int] = {}
    for number in TopologicalSorter(needs).static_order():
        before[number] = 0
        for need in needs[number]:
            before[number] |= before[need] | 1 << need
    return before


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
    ordered = sorted((WILDCARD.split(f"/{pattern.rstrip('/')}/", maxsplit=1)[0], pattern) for pattern in patterns)
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


def check_files(row: Row) -> tuple[tuple[str, ...], list[Finding]]:
    """The good patterns of a row, each once, with the findings of S5 and S10."""
    words = read_files(row.cell(FILES))
    if not words:
        message = "The `Files` cell names no file; write the paths or globs that the stage touches."
        return (), [error("S5", row.line, message)]
    good: dict[str, None] = {}
    bad = []
    for word in words:
        try:
            good[normalise(word)] = None
        except PatternError as problem:
            bad.append(f"{shown(word)} {problem}")
    if not bad:
        return tuple(good), []
    what = "; ".join(bad[:3]) + (f" (and {len(bad) - 3} more)" if len(bad) > 3 else "")
    message = f"{what}; write paths relative to the repository's root, inside it and not in `.git` or `.okstra`."
    return tuple(good), [error("S10", row.line, message)]


def read_files(cell: str) -> list[str]:
    """The patterns that a raw `Files` cell lists, not yet normalised."""
    parts: list[list[Piece]] = [[]]
    for piece in pieces(split_breaks(without_comments(cell), "\n")):
        if piece.is_code:
            parts[-1].append(piece)
        else:
            first, *rest = (Piece(text, False) for text in _split(outside_code(piece.text)))
            parts[-1].append(first)
            parts += [[one] for one in rest]
    found = []
    for part in parts:
        spans = [text.strip() for piece in part if piece.is_code for text in _split(piece.text)]
        found += spans or _bare_patterns(" ".join(piece.text for piece in part))
    return [pattern for word in found for pattern in _spell_out(word) if not _names_nothing(pattern)]


def _names_nothing(word: str) -> bool:
    """Whether a word is a dash, `none` and the like; `**`, `.` and even `..` do name something."""
    return word.strip(" \t()<>").casefold() in EMPTY_WORDS or not any(s.isalnum() or s in "/~.*_\\" for s in word)


def _split(text: str) -> list[str]:
    """The parts between commas, semicolons and line breaks; commas inside braces or a class don't part."""
    parts, start, depth = [], 0, 0
    for place, sign in enumerate(text):
        depth = max(0, depth + (sign in "{[") - (sign in "}]"))
        if sign == "\n" or (sign in ",;" and depth == 0):
            parts.append(text[start:place])
            start, depth = place + 1, 0
    return [*parts, text[start:]]


def _bare_patterns(text: str) -> list[str]:
    """The patterns of a part of the cell without code spans."""
    text = _BULLET.sub("", text.strip(), count=1)
    text = _LINES.sub("", _REMARK.sub("", text)).strip().strip("\"'")
    words = text.split()
    paths = [word.strip("\"'") for word in words if "*" in word or is_path_word(word)]
    # Several paths with spaces between, or one path with remarks; else a name that holds spaces.
    return paths if len(words) > 1 and paths else [text] if text else []


def _spell_out(word: str) -> list[str]:
    """The patterns that a word with braces stands for; the word as it is when there would be too many."""
    # Every second part is what stood between braces.
    options = [part.split(",") if place % 2 else [part] for place, part in enumerate(_BRACES.split(word))]
    if prod(map(len, options)) > _MOST_FROM_BRACES:
        return [word]
    return ["".join(part.strip() for part in parts) for parts in product(*options)]
