"""S3: the `Depends on` cells, and which stages lead to which (spec 3, "The Stage Map").

No dependency is written `(none)`; an empty cell, a dash, `none`, `n/a` and `없음` say the same, as that is what people
write. A dependency that can't be used leaves its stage `loose`: nobody knows what it comes after, so S9, which asks
just that, leaves it and all that build on it alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .cells import plain_text, says_nothing, shown
from .cycles import cycle_through, find_knots
from .document import DEPENDS_ON, Table
from .numbering import Entry, Numbering
from .records import Finding
from .word_sets import word_set

_WORD = re.compile(r"[0-9]+|[^\W\d]+|[^\w\s,;#&+.()/]+")
_FILLERS = word_set("stage stages s and step 및 와 과 단계 스테이지")
_LONGEST_SHOWN_CYCLE = 30


class Dependencies(NamedTuple):
    """For each entry the places it depends on directly, and whether something about that is unknown."""

    edges: list[tuple[int, ...]]
    loose: list[bool]


def check_dependencies(numbering: Numbering, table: Table) -> tuple[Dependencies, list[Finding]]:
    """The dependencies of the stages (Numbering), with the findings of S3."""
    entries = numbering.entries
    if DEPENDS_ON not in table.columns:
        message = "The Stage Map has no `Depends on` column; add one with stage numbers or `(none)`."
        unknown = Dependencies([() for _ in entries], [True] * len(entries))
        return unknown, [Finding("S3", "error", table.line, message)]
    findings: list[Finding] = []
    result = Dependencies([], [])
    for place, entry in enumerate(entries):
        edges, is_loose = _check_cell(place, entry, numbering, findings)
        result.edges.append(edges)
        result.loose.append(is_loose)
    findings += _check_cycles(entries, result)
    return result, findings


def _check_cell(
    place: int, entry: Entry, numbering: Numbering, findings: list[Finding]
) -> tuple[tuple[int, ...], bool]:
    """The places that one cell names, and whether it names more than could be found."""
    cell = plain_text(entry.row.cell(DEPENDS_ON))
    if says_nothing(cell):
        return (), False
    words = [word for word in _WORD.findall(cell) if word.casefold() not in _FILLERS]
    # Beyond nine digits all numbers are alike: none of them is a stage.
    numbers = dict.fromkeys(int(word[:10]) for word in words if word[0] in "0123456789")
    problems = []
    if not numbers or any(word[0] not in "0123456789" for word in words):
        problems.append(f"{shown(cell)} is no list of stage numbers")
    edges = []
    unknown = []
    for number in numbers:
        target = numbering.entry_of.get(number)
        if target == place:
            problems.append(f"Stage {number} depends on itself")
        elif target is not None:
            edges.append(target)
        elif number not in numbering.numbers and not 0 < number <= numbering.doubtful:
            unknown.append(str(number))
    if unknown:
        problems.append(f"No stage has the number {', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''}")
    for problem in problems:
        message = f"{problem}; write the numbers of earlier stages, as in `1, 2`, or `(none)`."
        findings.append(Finding("S3", "error", entry.row.line, message))
    return tuple(edges), bool(problems) or len(edges) < len(numbers)


def _check_cycles(entries: Sequence[Entry], dependencies: Dependencies) -> list[Finding]:
    """One finding for each knot of stages that wait for one another; they become loose."""
    findings = []
    for knot in find_knots(dependencies.edges):
        cycle = cycle_through(min(knot), knot, dependencies.edges)
        numbers = [str(entries[place].number) for place in cycle]
        if len(numbers) > _LONGEST_SHOWN_CYCLE:
            numbers[_LONGEST_SHOWN_CYCLE - 2 : -2] = ["…"]
        message = f"The dependencies go in a circle: {' → '.join(numbers)}; remove one of them."
        findings.append(Finding("S3", "error", entries[cycle[0]].row.line, message))
        for place in knot:
            dependencies.loose[place] = True
    return findings
