"""S2: a section for each row and a row for each section (spec 3, "The Stage Map")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .cells import folded, one_number, plain_text
from .document import STEPS, TITLE, Row
from .records import Finding
from .sections import Section


def sections_by_number(
    sections: tuple[Section, ...], rows: Iterable[int], findings: list[Finding]
) -> tuple[dict[int, Section], list[Section]]:
    """The sections by stage number, and those that repeat a number.

    Of a heading with two different numbers the one that fits better counts.
    """
    clear = {section.number for section in sections if section.second in (None, section.number)}
    known = set(rows)
    result: dict[int, Section] = {}
    repeated = []
    for section in sections:
        if section.second not in (None, section.number):
            message = (
                f"The heading says 5.5.{section.number} but Stage {section.second}; write the same number in both."
            )
            findings.append(Finding("S2", "error", section.line, message))
            candidates = [n for n in (section.number, section.second) if n is not None and n not in clear]
            best = sorted(candidates, key=lambda number: number not in known)
            if best:
                result.setdefault(best[0], section._replace(number=best[0]))
        elif section.number in result:
            message = (
                f"Stage {section.number} has a section at line {result[section.number].line} already; "
                "keep one section for each stage."
            )
            findings.append(Finding("S2", "error", section.line, message))
            # Of a heading that was pasted twice the one with the steps is meant.
            first = result[section.number]
            result[section.number], spare = (section, first) if section.steps and not first.steps else (first, section)
            repeated.append(spare)
        else:
            result[section.number] = section
    return result, repeated


def share_out(rows: list[Row], pool: list[int], free: list[Section], given: dict[int, Section]) -> set[int]:
    """Gives the free sections to the rows of a doubtful number, by title first, then in order.

    Returns the places that are sure. What is given away leaves `free`.
    """
    alone = len(pool) == 1 and len(free) == 1
    for place in pool:
        given.pop(place, None)
    sure = by_title(rows, pool, free, given)
    for place in pool:
        if place not in given and free:
            given[place] = free.pop(0)
            if alone:
                sure.add(place)
    return sure


def by_title(rows: list[Row], places: list[int], free: list[Section], given: dict[int, Section]) -> set[int]:
    """Gives each row the free section that has its title; returns the places that got one."""
    if not places or not free:
        return set()
    titles = Counter(folded(plain_text(section.title)) for section in free)
    section_of = {folded(plain_text(section.title)): section for section in free}
    found = set()
    for place in places:
        title = folded(plain_text(rows[place].cell(TITLE)))
        if title and titles[title] == 1 and title in section_of:
            given[place] = section_of.pop(title)
            found.add(place)
    taken = {given[place].line for place in found}
    free[:] = [section for section in free if section.line not in taken]
    return found


def unmatched(
    rows: list[Row], lacking: dict[int, int], free: list[Section], given: dict[int, Section]
) -> tuple[list[Finding], set[int]]:
    """S2 for the rows that lack a section (number by place), and for sections without a row.

    A pair with the same title is one finding; its places are answered too.
    """
    paired = by_title(rows, list(lacking), free, given)
    findings = []
    for place, number in lacking.items():
        if place in paired:
            line = given[place].line
            message = f"The section of stage {number} has another number; begin its heading `### 5.5.{number} Stage`."
        else:
            line = rows[place].line
            message = f"Stage {number} has no section; add `### 5.5.{number} Stage {number}: …` with its steps."
        findings.append(Finding("S2", "error", line, message))
    for section in free:
        message = f"Section 5.5.{section.number} has no row in the Stage Map; add the row or remove the section."
        findings.append(Finding("S2", "error", section.line, message))
    return findings, paired


def give_back_steps(rows: list[Row], lost: dict[int, int], places: dict[int, int], given: dict[int, Section]) -> None:
    """Takes the steps of a stage whose heading is missing (`lost`, number by place) from the section before it.

    Without its heading a section runs on in the one before; that is no wrong count of steps there.
    """
    for place, number in lost.items():
        before = places.get(number - 1)
        if before is None or before not in given:
            continue
        own, added = (one_number(plain_text(rows[where].cell(STEPS))) for where in (before, place))
        steps = given[before].steps
        if own and added and len(steps) == own + added:
            given[before] = given[before]._replace(steps=steps[:own])
