"""S1 and S2 together: the stage numbers, and which section belongs to which row (spec 3, "The Stage Map").

A number that breaks S1 counts as unreadable. Its row then takes a section that no other row claims, so that a
mistyped number isn't also reported as a missing section, an unknown dependency or a wrong count of steps.
"""

from __future__ import annotations

from typing import NamedTuple

from .document import Row, Table
from .records import Finding
from .row_numbers import beyond_end, gaps, read_numbers
from .section_matching import by_title, give_back_steps, sections_by_number, share_out, unmatched
from .sections import Section


class Entry(NamedTuple):
    """A row with its section, if it has one.

    `number` is None when the cell breaks S1. `is_sure` tells that the section is the row's beyond doubt.
    """

    row: Row
    number: int | None
    section: Section | None
    is_sure: bool

    @property
    def name(self) -> str:
        """What messages call the stage (str)."""
        return f"the stage of line {self.row.line}" if self.number is None else f"stage {self.number}"


class Numbering(NamedTuple):
    """The stages found. `entry_of` maps the numbers that name one row for sure to its place in `entries`.

    `numbers` are all that some row or section bears; up to `doubtful` any other may be one that S1 misses.
    """

    findings: list[Finding]
    entries: list[Entry]
    entry_of: dict[int, int]
    numbers: frozenset[int]
    doubtful: int


def number_stages(table: Table, sections: tuple[Section, ...]) -> Numbering:
    """Numbers the rows of a table (Table), gives each its section (Section), and reports S1 and S2."""
    findings: list[Finding] = []
    rows = read_numbers(table, findings)
    by_number, repeated = sections_by_number(sections, rows.first, findings)
    count = len(rows.rows)
    beyond = [place for number, place in rows.first.items() if number > count and number not in by_number]
    for place in beyond:
        findings.append(beyond_end(rows.rows[place], count))
    unsure = {*rows.unreadable, *rows.repeats, *beyond}
    entry_of = {number: place for number, place in rows.first.items() if place not in unsure}
    contested = {number for number in rows.repeats.values() if number in entry_of}

    given = {place: by_number[number] for number, place in entry_of.items() if number in by_number}
    pool = sorted(unsure | {entry_of[number] for number in contested})
    free = [section for number, section in by_number.items() if number not in entry_of or number in contested]
    sure = set(given) - set(pool)
    sure |= share_out(rows.rows, pool, free, given)
    findings += gaps(rows.rows, entry_of, len(unsure), sorted(section.number for section in free))
    lacking = {place: number for number, place in sorted(entry_of.items()) if place not in given}
    # A section that repeats a number was reported; it is the lacking one when the titles agree.
    by_title(rows.rows, list(lacking), repeated, given)
    lacking = {place: number for place, number in lacking.items() if place not in given}
    left, paired = unmatched(rows.rows, lacking, free, given)
    findings += left
    sure |= paired
    give_back_steps(rows.rows, {p: n for p, n in lacking.items() if p not in paired}, entry_of, given)

    numbers_at = {place: number for number, place in entry_of.items()}
    entries = [
        Entry(row, numbers_at.get(place), given.get(place), place in sure) for place, row in enumerate(rows.rows)
    ]
    broken = any(finding.rule == "S1" for finding in findings)
    return Numbering(
        findings,
        entries,
        {number: place for number, place in entry_of.items() if number not in contested},
        frozenset(rows.first) | frozenset(section.number for section in sections),
        max(count, *entry_of, 0) if broken else 0,
    )
