"""S1: the `Stage` cells, numbered 1 to N without gap or repeat (spec 3, "The Stage Map")."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from .cells import one_number, plain_text, shown
from .document import STAGE, Row, Table
from .records import Finding


class Rows(NamedTuple):
    """Rows sorted by what their number cell is worth: `first` row of each number, `repeats`, `unreadable` ones."""

    rows: list[Row]
    first: dict[int, int]
    repeats: dict[int, int]
    unreadable: list[int]


def read_numbers(table: Table, findings: list[Finding]) -> Rows:
    """Reads the `Stage` cells; without that column the order of the rows numbers them."""
    if STAGE not in table.columns:
        message = "The Stage Map has no `Stage` column; add one that numbers the stages from 1."
        findings.append(Finding("S1", "error", table.line, message))
        return Rows(list(table.rows), {place + 1: place for place in range(len(table.rows))}, {}, [])
    result = Rows([], {}, {}, [])
    for row in table.rows:
        number = one_number(plain_text(row.cell(STAGE)))
        place = len(result.rows)
        if not number:
            what = f"{shown(row.cell(STAGE))} is no stage number" if row.cell(STAGE) else "The stage number is empty"
            message = f"{what}; write a whole number from 1."
            findings.append(Finding("S1", "error", row.line, message))
            result.unreadable.append(place)
            if number == 0:
                result.first.setdefault(0, place)
        elif number in result.first:
            earlier = result.rows[result.first[number]]
            message = f"Stage number {number} stands at line {earlier.line} already; give each stage its own number."
            findings.append(Finding("S1", "error", row.line, message))
            # A row that was pasted twice is that one mistake, not also a repeated title and a shared file.
            if row.cells == earlier.cells:
                continue
            result.repeats[place] = number
        else:
            result.first[number] = place
        result.rows.append(row)
    return result


def beyond_end(row: Row, count: int) -> Finding:
    """S1 for a number that the count of rows (int) rules out."""
    message = (
        f"Stage number {one_number(plain_text(row.cell(STAGE)))} is too high; "
        f"the map has {count} rows, so number them 1 to {count}."
    )
    return Finding("S1", "error", row.line, message)


def gaps(rows: list[Row], entry_of: dict[int, int], unsure: int, orphans: list[int]) -> Iterable[Finding]:
    """S1 for each number that is missing before another.

    A row of a doubtful number (`unsure` counts them) explains one missing number; a section without a row
    (`orphans`, sorted numbers) explains its own, for S2 tells of it.
    """
    spare, before = unsure, 0
    for number in sorted(entry_of):
        explained = bisect_left(orphans, number) - bisect_left(orphans, before + 1)
        missing = number - before - 1 - explained
        if missing > spare:
            follows = f"Stage {number} follows stage {before}" if before else f"The stage numbers begin with {number}"
            message = f"{follows}; number the stages from 1 without a gap."
            yield Finding("S1", "error", rows[entry_of[number]].line, message)
        spare, before = max(0, spare - missing), number
