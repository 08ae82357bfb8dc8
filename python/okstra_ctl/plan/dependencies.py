"""S3: the `Depends on` cells, and which stages come before which.

No dependency is written `(none)`; an empty cell, a dash, `none`, `n/a` and `없음` mean the same, as that is what people
write.
"""

from __future__ import annotations

import re
from collections.abc import Container
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from ..markdown import is_empty_cell, plain_text, shown
from .model import Finding, error
from .parse import DEPENDS_ON
from .structure import Entry

_WORD = re.compile(r"[0-9]+|[^\W\d]+|[^\w\s,;#&+.()/]+")
_FILLERS = frozenset(["stage", "stages", "s", "and", "step", "및", "와", "과", "단계", "스테이지"])
_LONGEST_SHOWN_CYCLE = 30

Needs = dict[int, set[int]]


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
