"""The result of an executor: its record of each step of its stage (rules R1 to R3, R11)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .parse import read_document
from .records import ExecutorResult, Problem, StepRecord
from .worker import FIELDS, check_fields, check_sections, read_evidence

SECTIONS = ("1. Steps", "2. Deviations", "3. Risks", "4. Open questions")
_HEADING = re.compile(r"Step ([0-9]{1,3}) (done|skipped)\b")


def parse_executor_result(text: str, *, steps: Sequence[int]) -> tuple[ExecutorResult, list[Problem]]:
    """The result and all problems with it. `steps` are the numbers of the stage's steps."""
    document = read_document(text)
    problems = [*check_fields(document, FIELDS), *check_sections(document, SECTIONS)]
    records: list[StepRecord] = []
    entries = [entry for section in document.sections if section.heading == SECTIONS[0] for entry in section.entries]
    for entry in entries:
        found = _HEADING.match(entry.heading)
        if found is None:
            problems.append(Problem("R11", entry.line, "the heading is not `### Step N done` or `### Step N skipped`"))
            continue
        evidence, wrong = read_evidence(entry, f"step {found[1]}")
        problems += wrong
        record = StepRecord(int(found[1]), found[2] == "done", evidence, entry.value("note"))
        if record.done and not any(line.exit is not None for line in evidence):
            message = f"step {record.number} is done: give a command that shows it, with its exit code"
            problems.append(Problem("R11", entry.line, message))
        if not record.done and not record.note:
            problems.append(Problem("R11", entry.line, f"step {record.number} is skipped: say why in a `- note:` line"))
        records.append(record)
    numbers = [record.number for record in records]
    missing = [str(number) for number in steps if number not in numbers]
    if missing:
        problems.append(Problem("R11", 1, f"no record of step {', '.join(missing)}"))
    if len(set(numbers)) != len(numbers):
        problems.append(Problem("R11", 1, "a step has two records"))
    sections = {section.heading: section.text for section in document.sections}
    return ExecutorResult(document.fields, tuple(records), sections), sorted(problems, key=lambda p: p.line)
