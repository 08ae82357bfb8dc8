"""S1 and S2: the stages are numbered 1 to N, each with one row and one section. The other rules need that to hold.

A wrong number makes its partner look lost. So each row with a wrong number accounts for one section without a row, and
each heading with a wrong number for the row that has one of its numbers or its title.
"""

from __future__ import annotations

from typing import NamedTuple

from ..markdown import folded, one_number, plain_text, shown
from .model import Finding, error
from .parse import STAGE, TITLE, Document, Row, Section, Table

_COLUMNS = "`Stage`, `Title`, `Depends on`, `Files`, `Steps`, `Exit check`"


class Entry(NamedTuple):
    """A stage of a sound plan: its number, its row, its section."""

    number: int
    row: Row
    section: Section


def check_structure(document: Document) -> tuple[list[Entry], list[Finding]]:
    """The stages in the order of their rows, with the findings of S1 and S2; with findings they are not complete."""
    if not document.heading_lines:
        message = "The plan has no Stage Map; write it under a heading `## 5.5 Stage Map`."
        return [], [error("S1", 1, message)]
    first, *again = document.heading_lines
    if again:
        message = f"A Stage Map begins at line {first} already; keep one heading `## 5.5 Stage Map`."
        return [], [error("S1", line, message) for line in again]
    table = document.table
    if table is None:
        return [], [error("S1", first, f"The Stage Map has no table; add one with the columns {_COLUMNS}.")]
    if not table.rows:
        return [], [error("S1", table.line, "The Stage Map has no rows; add one for each stage.")]
    if STAGE not in table.columns:
        message = "The Stage Map has no `Stage` column; add one that numbers the stages from 1."
        return [], [error("S1", table.line, message)]
    sections, wrong_headings, of_headings = _number_sections(document.sections)
    rows, of_rows = _number_rows(table, sections)
    findings = [*of_headings, *of_rows]
    if not of_rows:
        findings += _gaps(rows, sections)
    accounted = {number for section in wrong_headings for number in (section.number, section.second)}
    titles = {folded(plain_text(section.title)) for section in wrong_headings}
    lost_rows = [number for number in rows if number not in sections and number not in accounted]
    lost_rows = [number for number in lost_rows if _title(rows[number]) not in titles]
    lost_sections = sorted(number for number in sections if number not in rows)[len(of_rows) :]
    findings += _unmatched(rows, lost_rows, sections, lost_sections)
    return [Entry(number, rows[number], sections[number]) for number in rows if number in sections], findings


def _title(row: Row) -> str:
    return folded(plain_text(row.cell(TITLE)))


def _number_sections(sections: tuple[Section, ...]) -> tuple[dict[int, Section], list[Section], list[Finding]]:
    """The sections by number, and those whose heading repeats a number or bears two, with S2."""
    by_number: dict[int, Section] = {}
    wrong, findings = [], []
    for section in sections:
        number, second = section.number, section.second
        if second not in (None, number):
            message = f"The heading says 5.5.{number} but Stage {second}; write the same number in both."
        elif number in by_number:
            line = by_number[number].line
            message = f"Stage {number} has a section at line {line} already; keep one section for each stage."
        else:
            by_number[number] = section
            continue
        wrong.append(section)
        findings.append(error("S2", section.line, message))
    return by_number, wrong, findings


def _number_rows(table: Table, sections: dict[int, Section]) -> tuple[dict[int, Row], list[Finding]]:
    """The rows by number, with S1 for numbers that can't be read, are repeated, or are beyond the count of rows."""
    by_number: dict[int, Row] = {}
    findings = []
    for row in table.rows:
        cell = row.cell(STAGE)
        number = one_number(plain_text(cell))
        if not number:
            what = f"{shown(cell)} is no stage number" if cell else "The stage number is empty"
            message = f"{what}; write a whole number from 1."
        elif number in by_number:
            line = by_number[number].line
            message = f"Stage number {number} stands at line {line} already; give each stage its own number."
        elif number > len(table.rows) and number not in sections:
            count = len(table.rows)
            message = f"Stage number {number} is too high; the map has {count} rows, so number them 1 to {count}."
        else:
            by_number[number] = row
            continue
        findings.append(error("S1", row.line, message))
    return by_number, findings


def _gaps(rows: dict[int, Row], sections: dict[int, Section]) -> list[Finding]:
    """S1 for each number that is missing before another; when its section is there, S2 reports the lost row."""
    findings = []
    before = 0
    for number in sorted(rows):
        missing = number - before - 1
        if missing > 0 and missing > sum(before < section < number for section in sections):
            follows = f"Stage {number} follows stage {before}" if before else f"The stage numbers begin with {number}"
            findings.append(error("S1", rows[number].line, f"{follows}; number the stages from 1 without a gap."))
        before = number
    return findings


def _unmatched(
    rows: dict[int, Row], lost_rows: list[int], sections: dict[int, Section], lost_sections: list[int]
) -> list[Finding]:
    """S2 for rows without a section and sections without a row; two of one title are one heading misnumbered."""
    titles = {number: folded(plain_text(sections[number].title)) for number in lost_sections}
    of_title = {title: number for number, title in titles.items() if title}
    findings = []
    left = set(lost_sections)
    for number in lost_rows:
        misnumbered = of_title.pop(_title(rows[number]), None)
        if misnumbered is None:
            message = f"Stage {number} has no section; add `### 5.5.{number} Stage {number}: …` with its steps."
            findings.append(error("S2", rows[number].line, message))
        else:
            message = f"The section of stage {number} has another number; begin its heading `### 5.5.{number} Stage`."
            findings.append(error("S2", sections[misnumbered].line, message))
            left.discard(misnumbered)
    for number in sorted(left):
        message = f"Section 5.5.{number} has no row in the Stage Map; add the row or remove the section."
        findings.append(error("S2", sections[number].line, message))
    return findings
