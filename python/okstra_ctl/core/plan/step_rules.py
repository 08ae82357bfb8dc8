"""S4 and S7: how many steps a stage has, and that each names its file or command (spec 3, "The Stage Map")."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .cells import one_number, pieces, plain_text, shown, without_comments
from .document import STEPS, Table
from .numbering import Entry
from .path_kinds import looks_like_path
from .records import Finding
from .sections import RawStep, Section
from .word_sets import word_set

MOST_STEPS = 6

# Programs that name a command even when nobody put it in backticks.
TOOLS = word_set(
    "ant bash bats bazel bun bundle cabal cargo clang cmake composer ctest curl deno docker dotnet eslint flake8 gcc "
    "git go gradle gradlew helm java javac jest kubectl make meson mix mocha mvn mypy ninja node nox npm npx nx perl "
    "php phpunit pip playwright pnpm poetry pre-commit pyright pytest python python3 rake rspec ruby ruff rustc sbt sh "
    "shellcheck sqlx stack swift terraform tox tsc turbo uv uvx vitest yarn zig zsh"
)
_RUNS = word_set("run runs running rerun re-run execute invoke")
_PUNCTUATION = ".,;:!?()[]{}<>\"'*_"


def check_counts(sections: Sequence[Section]) -> list[Finding]:
    """The findings of S4 that sections (Section) give by themselves."""
    return [finding for section in sections for finding in _check_section(section)]


def check_step_cells(entries: Sequence[Entry], table: Table) -> list[Finding]:
    """The findings of S4 for the `Steps` cells of the stages (Entry)."""
    if STEPS not in table.columns:
        message = "The Stage Map has no `Steps` column; add one with the number of steps of each stage."
        return [Finding("S4", "error", table.line, message)]
    return [finding for entry in entries for finding in _check_cell(entry)]


def _check_section(section: Section) -> list[Finding]:
    count = len(section.steps)
    if 1 <= count <= MOST_STEPS:
        return []
    message = f"The section has {count} steps; split the stage so that none has more than {MOST_STEPS}."
    if count == 0:
        message = f"The section has no numbered steps; write 1 to {MOST_STEPS} of them as `1.`, `2.`, …"
    return [Finding("S4", "error", section.line, message)]


def _check_cell(entry: Entry) -> list[Finding]:
    """S4 for a `Steps` cell; a section whose own count is wrong is left out, as it was reported."""
    section = entry.section if entry.is_sure else None
    count = len(section.steps) if section else None
    if count is not None and not 1 <= count <= MOST_STEPS:
        return []
    cell = plain_text(entry.row.cell(STEPS))
    number = one_number(cell)
    if count is not None and number != count:
        said = f"says {shown(cell)}" if cell else "is empty"
        message = f"The `Steps` cell {said}, but the section has {count} numbered steps; write `{count}`."
    elif number is None or not 1 <= number <= MOST_STEPS:
        message = f"The `Steps` cell says {shown(cell)}; write a number from 1 to {MOST_STEPS}."
    else:
        return []
    return [Finding("S4", "error", entry.row.line, message)]


def check_names(sections: Sequence[Section]) -> list[Finding]:
    """The findings of S7 for the steps of the sections (Section)."""
    return [
        Finding(
            "S7",
            "error",
            raw.step.line,
            f"Step {raw.step.number} names no file or command; write the path or the command in backticks.",
        )
        for section in sections
        for raw in section.steps
        if not names_something(raw)
    ]


def names_something(raw: RawStep) -> bool:
    """Whether a step (RawStep) has a code block, a code span, a path, or a command such as `run make test`."""
    if raw.has_code_block:
        return True
    text = without_comments(raw.step.text)
    if any(piece.is_code for piece in pieces(text)):
        return True
    words = [word.strip(_PUNCTUATION) if word[:1] != "." else word.rstrip(_PUNCTUATION) for word in text.split()]
    if any(looks_like_path(word) for word in words):
        return True
    return any(first.casefold() in _RUNS and second.casefold() in TOOLS for first, second in pairwise(words))
