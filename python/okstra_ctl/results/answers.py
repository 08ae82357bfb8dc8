"""Verdicts on a list of items (merged findings, or the parts of a plan): rules R1, R2, R6, R9, R10."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .parse import Entry, read_document
from .records import Answer, Basis, Problem, Verdict
from .worker import check_fields, check_sections, read_evidence

FIELDS = ("task-key", "worker", "model")
SECTIONS = ("Verdicts",)
_HEADING = re.compile(r"([A-Z][A-Z0-9]*-?[0-9]*) (AGREE|DISAGREE|SUPPLEMENT)$")


def parse_answers(text: str, *, items: Sequence[str]) -> tuple[tuple[Answer, ...], list[Problem]]:
    """The answers and all problems with them. `items` are the ids that must be answered, each once."""
    document = read_document(text)
    problems = [*check_fields(document, FIELDS), *check_sections(document, SECTIONS)]
    answers: list[Answer] = []
    entries = [entry for section in document.sections if section.heading == SECTIONS[0] for entry in section.entries]
    for entry in entries:
        answer, wrong = _answer(entry)
        problems += wrong
        if answer is not None:
            answers.append(answer)
    given = [answer.item for answer in answers]
    for item in items:
        if given.count(item) != 1:
            fault = "is not answered" if item not in given else "is answered more than once"
            problems.append(Problem("R9", 1, f"{item} {fault}"))
    for answer in answers:
        if answer.item not in items:
            problems.append(Problem("R9", answer.line, f"{answer.item} was not asked about"))
    return tuple(answers), sorted(problems, key=lambda problem: problem.line)


def _answer(entry: Entry) -> tuple[Answer | None, list[Problem]]:
    found = _HEADING.match(entry.heading)
    if found is None:
        return None, [Problem("R9", entry.line, "the heading is not `### G-001 AGREE|DISAGREE|SUPPLEMENT`")]
    item, verdict = found[1], Verdict(found[2])
    evidence, problems = read_evidence(entry, item)
    reason = entry.value("reason")
    if not reason:
        problems.append(Problem("R10", entry.line, f"{item}: give one `- reason:` line"))
    basis = _basis(entry.value("basis"))
    if verdict is Verdict.DISAGREE and basis is None:
        words = ", ".join(str(word) for word in Basis)
        problems.append(Problem("R10", entry.line, f"{item}: DISAGREE needs `- basis:` with one of {words}"))
    if verdict is Verdict.DISAGREE and basis is Basis.EVIDENCE and not evidence:
        problems.append(Problem("R10", entry.line, f"{item}: a disagreement on evidence needs an `- evidence:` line"))
    return Answer(item, verdict, basis, reason, evidence, entry.line), problems


def _basis(text: str) -> Basis | None:
    try:
        return Basis(text.lower())
    except ValueError:
        return None
