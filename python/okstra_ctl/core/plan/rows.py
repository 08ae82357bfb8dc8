"""S6 and S11: the exit check and the title of each row (spec 3, "The Stage Map")."""

from __future__ import annotations

from collections.abc import Sequence

from .cells import folded, outside_code, pieces, plain_text, says_nothing, shown, split_breaks, without_comments
from .document import EXIT_CHECK, TITLE, Row, Table
from .numbering import Entry
from .records import Finding

_OPERATORS = ("&&", "||", ";", "|")


def check_titles(entries: Sequence[Entry], table: Table) -> tuple[list[str], list[Finding]]:
    """The titles of the stages (Entry), with the findings of S11."""
    if TITLE not in table.columns:
        message = "The Stage Map has no `Title` column; add one with a title for each stage."
        return ["" for _ in entries], [Finding("S11", "error", table.line, message)]
    titles = [plain_text(entry.row.cell(TITLE)) for entry in entries]
    findings = []
    seen: dict[str, Entry] = {}
    for title, entry in zip(titles, entries, strict=True):
        # A dash or a stray mark is no title either.
        if not any(sign.isalnum() for sign in title):
            message = "The title is empty; write what the stage brings."
            findings.append(Finding("S11", "error", entry.row.line, message))
            continue
        first = seen.setdefault(folded(title), entry)
        if first is not entry:
            message = f"The title {shown(title)} is that of {first.name} already; give each stage a title of its own."
            findings.append(Finding("S11", "error", entry.row.line, message))
    return titles, findings


def check_exit_checks(entries: Sequence[Entry], table: Table) -> tuple[list[str], list[Finding]]:
    """The exit checks of the stages (Entry), with the findings of S6."""
    if EXIT_CHECK not in table.columns:
        message = "The Stage Map has no `Exit check` column; add one with a command that proves each stage."
        return ["" for _ in entries], [Finding("S6", "error", table.line, message)]
    checks, findings = [], []
    for entry in entries:
        problem = _problem(entry.row)
        if problem:
            findings.append(Finding("S6", "error", entry.row.line, problem))
        checks.append("" if problem else read_command(entry.row.cell(EXIT_CHECK)))
    return checks, findings


def _problem(row: Row) -> str:
    """What is wrong with the exit check of a row; empty when nothing is."""
    cell = row.cell(EXIT_CHECK)
    command = read_command(cell)
    if says_nothing(command) or not any(sign.isalnum() for sign in command):
        return "The exit check is empty; write a command that ends with status 0 when the stage is done."
    if row.overflows or not all(piece.closed for piece in pieces(cell)):
        return (
            f"The exit check {shown(cell)} is cut off; close every backtick, and inside a table write a pipe as `\\|` "
            "(it is red when any of its commands is)."
        )
    if any(sign < " " and sign != "\t" for sign in command):
        return f"The exit check {shown(command)} holds a control character; write a command on one line."
    return ""


def read_command(cell: str) -> str:
    """The command (str) of a raw cell: its code spans, else all of its text.

    Several spans are run one after the other, unless a shell operator stands between them; other words between
    and around them are remarks.
    """
    parts = pieces(split_breaks(without_comments(cell), " ").strip())
    if not any(part.is_code for part in parts):
        return " ".join(outside_code(part.text).strip() for part in parts)
    words: list[str] = []
    joint = ""
    for part in parts:
        if part.is_code:
            words += [joint or "&&", part.text] if words else [part.text]
            joint = ""
        else:
            between = outside_code(part.text).strip()
            joint = between if between in _OPERATORS else ""
    return " ".join(words)
