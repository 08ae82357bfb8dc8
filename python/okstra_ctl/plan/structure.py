"""S1 and S2: the stages are numbered 1 to N, each with one row and one section. The other rules need that to hold.

A wrong number makes its partner look lost. So each row with a wrong number accounts for one section without a row, and
each heading with a wrong number for the row that has one of its numbers or its title.

S4, S7 and S8: how many steps a section has, what each names, and whether a test comes before the code. S8 goes by the
paths that a step names before its words. In a stage whose files may be code, a step
- writes a test when it says so, or when the first path that it names is a test;
- needs no test when it runs, checks or reads, names documentation or settings alone, or is a command;
- changes code otherwise.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

from ..markdown import Piece, folded, one_number, pieces, plain_text, shown, without_comments
from .globs import is_path_word
from .model import Finding, error
from .parse import STAGE, TITLE, Document, Row, Section, Table

_COLUMNS = "`Stage`, `Title`, `Depends on`, `Files`, `Steps`, `Exit check`"  # and `Proof`, which may be left out
_MOST_STEPS = 6
_READ_AT_MOST = 4000
_TEST_PATH = re.compile(
    r"(?i:(?:^|/)(?:tests?|testing|specs?|__(?:tests|mocks|snapshots)__|e2e|fixtures|testdata|cypress)(?:/|$))"
    r"|(?:^|/)(?:(?:tests?|spec)[_.-][^/]*|conftest\.py)$"
    r"|[_.-](?:tests?|specs?)\.[^/]+$|[a-z0-9*](?:Tests?|Spec)\.\w+$|\.bats$"
)
_NO_CODE_PATH = re.compile(
    r"(?:^|/)(?:docs?|documentation)(?:/|$)"
    r"|(?:^|/)(?:licen[cs]e|copying|notice|authors|codeowners|readme|changelog|changes|contributing|version)$"
    r"|\.(?:md|mdx|markdown|rst|txt|adoc|pdf|csv|tsv|svg|png|jpe?g|gif|webp|ico|ya?ml|toml|json|jsonc|json5|ini|cfg|conf"
    r"|env|lock|properties|editorconfig|gitignore|gitattributes|gitkeep|dockerignore|npmrc|nvmrc|xml|po|pot|snap)$",
    re.IGNORECASE,
)
_WRITES_TEST = re.compile(
    r"(?i:\b(?:write|add|create|extend|draft|update|adapt|prepare)\s(?:[^\s.,;:`]+\s){0,5}?(?:unit)?(?:test|spec)s?\b"
    r"|\bcover\b[^.;]{0,60}\b(?:test|spec)s?\b"
    r"|\b(?:failing|red)\b[^.;]{0,60}\b(?:test|spec)s?\b|\b(?:test|spec)s?\b[^.;]{0,60}\b(?:fail(?:s|ing)?|red)\b)"
    r"|테스트\S{0,6}\s+(?:\S{1,20}\s+){0,2}?(?:작성|추가|구현|만들|쓴)|실패\S*\s+(?:\S{1,20}\s+)?테스트"
)
_MAKES_GREEN = re.compile(r"(?i:\b(?:pass(?:es|ing)?|green)\b)|통과")
_RUNS = re.compile(
    r"(?i:[\s*_>#\[\]()-]*(?:re-?run|run|execute|verify|check|confirm|see|watch|observe|commit|read|review|inspect|look"
    r"|measure|record|lint|format|validate|show|open|understand|find|install)\b)|.*(?:실행|확인|검증|커밋|검토|읽)",
    re.DOTALL,
)
_CHANGES = re.compile(r"(?i:\b(?:implement|refactor|modify|rewrite|edit|fix|change)\b)|구현|수정|변경|삭제")
# Programs that name a command even when nobody put it in backticks.
_BARE_COMMAND = re.compile(
    r"\b(?:re-?)?(?:run|execute)(?:ning)?\s+(?:make|pytest|tox|ruff|mypy|npm|npx|pnpm|yarn|cargo|go|mvn|gradle|git|bats|docker)\b",
    re.IGNORECASE,
)
_SUBJECT = r"(?i:\b(?:for|of|against|on|about|cover(?:s|ing)?|exercis(?:es?|ing)))\s+[`'\"(]*"
_MARKS = ".,;:!?()[]{}<>\"'*_"


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


def check_steps(section: Section, cell: str | None, row_line: int) -> list[Finding]:
    """The finding of S4 for a section and its `Steps` cell, if there is such a column."""
    count = len(section.steps)
    if count == 0:
        message = f"The section has no numbered steps; write 1 to {_MOST_STEPS} of them as `1.`, `2.`, …"
        return [error("S4", section.line, message)]
    if count > _MOST_STEPS:
        message = f"The section has {count} steps; split the stage so that none has more than {_MOST_STEPS}."
        return [error("S4", section.line, message)]
    if cell is None or one_number(plain_text(cell)) == count:
        return []
    what = f"says {shown(plain_text(cell))}" if plain_text(cell) else "is empty"
    message = f"The `Steps` cell {what}, but the section has {count} numbered steps; write `{count}`."
    return [error("S4", row_line, message)]


def check_names(section: Section) -> list[Finding]:
    """The findings of S7: a step has a code span or block, or names a file or a well-known command without one."""
    findings = []
    for step in section.steps:
        text = without_comments(step.text)
        has_code = step.number in section.with_code_block or any(piece.is_code for piece in pieces(text))
        if not (has_code or _paths(text) or _BARE_COMMAND.search(text)):
            message = f"Step {step.number} names no file or command; write the path or the command in backticks."
            findings.append(error("S7", step.line, message))
    return findings


def check_test_first(section: Section, files: tuple[str, ...]) -> list[Finding]:
    """The finding of S8 for a section and its stage's files; when they aren't known, a step has to name code itself."""
    if section.exemption or (files and not any(map(_is_code, files))):
        return []
    for step in section.steps:
        text = without_comments(step.text)[:_READ_AT_MOST]
        kind = _kind_of(text)
        if kind is _Kind.TEST:
            return []
        if kind is _Kind.CODE and (files or _paths(text)):
            message = (
                f"Step {step.number} changes code before a failing test; put a step that writes the test first, "
                "or write `TDD exemption: <reason>` in the section."
            )
            if section.exemption == "":
                message = (
                    f"`TDD exemption:` gives no reason, and step {step.number} changes code before a failing test."
                )
            return [error("S8", step.line, message)]
    return []


class _Kind(Enum):
    TEST = auto()
    CODE = auto()
    OTHER = auto()


def _kind_of(text: str) -> _Kind:
    # What stands in code is no prose; but a command that names a test may be red.
    parts = [
        ("test" if _is_command(one) and _TEST_PATH.search(one.text) else "`") if one.is_code else one.text
        for one in pieces(text)
    ]
    prose = " ".join("".join(parts).split())
    paths = _paths(text)
    writes, changes = _WRITES_TEST.search(prose), _CHANGES.search(prose)
    if writes and not _MAKES_GREEN.search(prose) and not (changes and changes.start() < writes.start()):
        return _Kind.TEST
    if _RUNS.match(prose) and not changes:
        return _Kind.OTHER
    if paths:
        is_test = _TEST_PATH.search(paths[0]) is not None
        return _Kind.TEST if is_test else _Kind.CODE if any(map(_is_code, paths)) else _Kind.OTHER
    return _Kind.OTHER if any(map(_is_command, pieces(text))) and not changes else _Kind.CODE


def is_test_path(path: str) -> bool:
    """Whether a path is that of a test, by the usual names."""
    return _TEST_PATH.search(path) is not None


def tests_written_by(step: str) -> list[str]:
    """The paths of the tests that a step writes; empty when it writes none.

    Those with usual names; where it names none, the first that it does not name as what is tested (`of`, `for`): what
    it names behind that may be the code.
    """
    text = without_comments(step)[:_READ_AT_MOST]
    if _kind_of(text) is not _Kind.TEST:
        return []
    paths = _paths(text)
    usual = [path for path in paths if is_test_path(path)]
    return usual or [path for path in paths if not re.search(_SUBJECT + re.escape(path), text)][:1]


def _is_command(piece: Piece) -> bool:
    """Whether a code span holds several words; with a folder in the first of them it is a path with spaces."""
    first, *more = piece.text.split() if piece.is_code else ("",)
    return bool(more) and not ("/" in first and is_path_word(piece.text))


def _is_code(path: str) -> bool:
    """Whether a path or pattern may name code: not tests, documentation, settings or plain data."""
    return _TEST_PATH.search(path.rstrip("/")) is None and _NO_CODE_PATH.search(path.rstrip("/")) is None


def _paths(text: str) -> list[str]:
    """The paths that a step names, in code spans or bare, in order."""
    found = []
    for piece in pieces(text):
        words = [piece.text] if piece.is_code else piece.text.split()
        for raw in () if _is_command(piece) else words:
            word = (raw.rstrip(_MARKS) if raw.startswith(".") else raw.strip(_MARKS)).split("::")[0]
            if is_path_word(word):
                found.append(word)
    return found
