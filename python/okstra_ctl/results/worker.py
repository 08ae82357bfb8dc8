"""Results of workers, read and checked by their rules (docs/formats.md): those of analysts, critics and verifiers (R1
to R8); verdicts on a list of items, merged findings or the parts of a plan (R1, R2, R6, R9, R10); and an executor's
record of each step of its stage (R1 to R3, R11)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from .evidence import Checked
from .parse import Document, Entry, Section, read_document
from .records import (
    Answer,
    Basis,
    Evidence,
    ExecutorResult,
    Finding,
    FindingSeverity,
    Problem,
    StepRecord,
    Verdict,
    WorkerResult,
)

_QUOTED = r"(?:`` (?P<q2>.+) ``|``(?P<q3>.+?)``|`(?P<q1>[^`]+)`)"
_EXITS = range(-64, 256)
"""Of processes: negative for the signal that ended one. Another number would be taken for its last eight bits."""
_COMMAND = re.compile(rf"command:? *{_QUOTED} *,? *(?:exit|exited|→|->)(?: code)? *[:=]? *(?P<exit>-?[0-9]{{1,5}})\.?$")
_CITATION = re.compile(
    r"(?P<tick>`?)(?P<path>[^`]*?[^`\s:])(?::(?P<first>[0-9]{1,7})(?: *[-–] *(?P<last>[0-9]{1,7}))?)?(?P=tick)"
    rf"(?: *[:,–—-]? *{_QUOTED})?\.?$"
)
FIELDS = ("task-key", "task-type", "worker", "provider", "model", "commit")
SECTIONS = ("1. Findings", "2. Evidence gaps", "3. Risks", "4. Open questions", "5. Recommendation")
_HEADING = re.compile(r"F-([0-9]{3,4}) \[([a-z]+)\] (\S.*)$")
_SEVERITIES = tuple(str(severity) for severity in FindingSeverity)
_NOTHING = re.compile(r"[\s_*`(\[-]*(?:none|no findings|nothing|없음)[\s_*`)\].-]*$", re.IGNORECASE)
# A passing verdict is incompatible with a finding of these severities.
GRAVE = (FindingSeverity.CRITICAL, FindingSeverity.HIGH)
_ANSWER_FIELDS = ("task-key", "worker", "model")
_ANSWER_SECTIONS = ("Verdicts",)
_ANSWERS_HEADING = re.compile(r"([A-Z][A-Z0-9]*-?[0-9]*) (AGREE|DISAGREE|SUPPLEMENT)$")
_EXECUTOR_SECTIONS = ("1. Steps", "2. Deviations", "3. Risks", "4. Open questions")
_EXECUTOR_RESULT_HEADING = re.compile(r"Step ([0-9]{1,3}) (done|skipped)\b")


def parse_worker_result(
    text: str, *, verdicts: Collection[str] = (), passing: Collection[str] = ()
) -> tuple[WorkerResult, list[Problem]]:
    """The result and all problems with it. `verdicts`: the verdicts that the frontmatter may give (not checked when
    empty); `passing`: those of them that are incompatible with a critical or high finding."""
    document = read_document(text)
    problems = [*check_fields(document, FIELDS), *check_sections(document, SECTIONS)]
    findings, wrong = _findings(document)
    problems += wrong
    sections = {title: section.text for title in SECTIONS for section in document.sections if section.heading == title}
    result = WorkerResult(document.fields, findings, sections)
    if verdicts:
        problems += _check_verdict(result, verdicts, passing)
    return result, sorted(problems, key=lambda problem: problem.line)


def check_fields(document: Document, wanted: Collection[str]) -> Iterator[Problem]:
    missing = [name for name in wanted if not document.fields.get(name)]
    if missing:
        yield Problem("R1", 1, f"the frontmatter lacks {', '.join(missing)}")


def check_sections(document: Document, wanted: Collection[str]) -> Iterator[Problem]:
    seen = [section.heading for section in document.sections]
    for section in document.sections:
        if re.match(r"0\.? ?reading", section.heading, re.IGNORECASE):
            yield Problem("R3", section.line, "move the reading confirmation to the audit file")
    for title in wanted:
        if seen.count(title) != 1:
            fault = "is missing" if title not in seen else "occurs more than once"
            yield Problem("R2", 1, f"the section `## {title}` {fault}")
    order = [title for title in seen if title in wanted]
    if len(set(order)) == len(order) and order != [title for title in wanted if title in order]:
        yield Problem("R2", 1, "the sections are not in order: " + ", ".join(f"`## {title}`" for title in wanted))


def _findings(document: Document) -> tuple[tuple[Finding, ...], list[Problem]]:
    findings: list[Finding] = []
    problems: list[Problem] = []
    for section in document.sections:
        if section.heading != SECTIONS[0]:
            continue
        for entry in section.entries:
            finding, wrong = _finding(entry)
            problems += wrong
            if finding is not None:
                findings.append(finding)
        problems += _check_empty_section(section)
    ids = [finding.id for finding in findings]
    if len(set(ids)) != len(ids) or [int(name[2:]) for name in ids] != list(range(1, len(ids) + 1)):
        problems.append(Problem("R4", findings[0].line, "number the findings F-001, F-002, … without gap or repeat"))
    return tuple(findings), problems


def _check_empty_section(section: Section) -> Iterator[Problem]:
    """An empty section could mean a worker that gave up: that there are no findings must be stated."""
    if not section.entries and not _NOTHING.match(section.text):
        message = "there is no finding here: write findings as `### F-001 [severity] title`, or the one word (none)"
        yield Problem("R4", section.line, message)


def _finding(entry: Entry) -> tuple[Finding | None, list[Problem]]:
    found = _HEADING.match(entry.heading)
    if found is None or found[2] not in _SEVERITIES:
        severities = "|".join(_SEVERITIES)
        return None, [Problem("R4", entry.line, f"the heading is not `### F-001 [{severities}] title`")]
    problems = []
    claims = [claim for claim in entry.values("claim") if claim]
    if len(claims) != 1:
        problems.append(Problem("R5", entry.line, f"F-{found[1]} has {len(claims)} claims; write one `- claim:` line"))
    evidence, wrong = read_evidence(entry, f"F-{found[1]}")
    problems += wrong
    if not entry.values("evidence"):
        problems.append(Problem("R6", entry.line, f"F-{found[1]} has no `- evidence:` line"))
    confidence, wrong = _confidence(entry)
    problems += wrong
    title = found[3].strip()
    claim = claims[0] if claims else title
    finding = Finding(f"F-{found[1]}", FindingSeverity(found[2]), title, claim, evidence, confidence, entry.line)
    return finding, problems


def read_evidence(entry: Entry, name: str) -> tuple[tuple[Evidence, ...], list[Problem]]:
    """The evidence lines of an entry; a line that can't be read is a problem."""
    evidence, problems = [], []
    for bullet in entry.bullets:
        if bullet.key != "evidence":
            continue
        read = parse_evidence(bullet.value)
        if read is None:
            forms = "`path/to/file:41-44` and a quotation in backticks, or command `…` exit N"
            problems.append(Problem("R6", bullet.line, f"{name}: this evidence can't be read; write {forms}"))
        else:
            evidence.append(read)
    return tuple(evidence), problems


def _confidence(entry: Entry) -> tuple[float | None, list[Problem]]:
    text = entry.value("confidence")
    if not text:
        return None, []
    if re.fullmatch(r"0(\.[0-9]+)?|1(\.0+)?", text):
        return float(text), []
    return None, [Problem("R7", entry.line, f"confidence is {text[:20]!r}; write a number from 0 to 1")]


def _check_verdict(result: WorkerResult, verdicts: Collection[str], passing: Collection[str]) -> Iterator[Problem]:
    verdict = result.verdict
    if verdict not in verdicts:
        fault = f"is {verdict!r}" if verdict else "is missing"
        yield Problem("R8", 1, f"the frontmatter's verdict {fault}; one of {', '.join(verdicts)}")
    elif verdict in passing and any(finding.severity in GRAVE for finding in result.findings):
        yield Problem("R8", 1, f"the verdict {verdict} can't stand beside a critical or high finding")
    elif verdict not in passing and not result.findings:
        yield Problem("R8", 1, f"the verdict {verdict} needs a finding that says why")


def parse_evidence(text: str) -> Evidence | None:
    """The evidence of a bullet's value; None when it is neither a citation nor a command with an exit code."""
    text = text.strip()
    if found := _COMMAND.match(text):
        if int(found["exit"]) not in _EXITS:
            return None
        return Evidence("", 0, 0, "", _quote(found), int(found["exit"]))
    if text.lower().startswith("command"):
        return None
    found = _CITATION.match(text)
    if found is None or not _looks_like_path(found["path"]):
        return None
    first = int(found["first"] or 0)
    last = int(found["last"] or first)
    if last < first:
        return None
    return Evidence(found["path"], first, last, _quote(found), "", None)


def _quote(found: re.Match[str]) -> str:
    return (found["q1"] or found["q2"] or found["q3"] or "").strip()


def _looks_like_path(text: str) -> bool:
    """Whether the text has a dot or a slash, or is one word (`Makefile`); a sentence is no path."""
    return "/" in text or "." in text.rsplit(" ", 1)[-1] or " " not in text


def evidence_row(worker: str, finding: str, checked: Checked) -> dict[str, object]:
    """A line of evidence with the result of its check, for a listing."""
    place = f"at line {checked.first}" if str(checked.status) == "moved" else ""
    return {
        "worker": worker,
        "finding": finding,
        "evidence": checked.evidence.as_text(),
        "status": str(checked.status),
        "told": "; ".join(part for part in (place, checked.note) if part),
        **({"exits": list(checked.exits), "output": checked.output} if checked.exits or checked.output else {}),
    }


def check_identity(fields: Mapping[str, str], *, task_key: str, worker: str) -> list[Problem]:
    """Problems of a result that belongs to another task or worker, left over or copied."""
    wanted = {"task-key": task_key, "worker": worker}
    return [
        Problem("R1", 1, f"the frontmatter's {name} is {fields[name]!r}, and should be {value!r}")
        for name, value in wanted.items()
        if fields.get(name) and fields[name] != value
    ]


def parse_answers(text: str, *, items: Sequence[str]) -> tuple[tuple[Answer, ...], list[Problem]]:
    """The answers and all problems with them. `items` are the ids that must be answered, each once."""
    document = read_document(text)
    problems = [*check_fields(document, _ANSWER_FIELDS), *check_sections(document, _ANSWER_SECTIONS)]
    answers: list[Answer] = []
    entries = [
        entry for section in document.sections if section.heading == _ANSWER_SECTIONS[0] for entry in section.entries
    ]
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
    found = _ANSWERS_HEADING.match(entry.heading)
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


def parse_executor_result(text: str, *, steps: Sequence[int]) -> tuple[ExecutorResult, list[Problem]]:
    """The result and all problems with it. `steps` are the numbers of the stage's steps."""
    document = read_document(text)
    problems = [*check_fields(document, FIELDS), *check_sections(document, _EXECUTOR_SECTIONS)]
    records: list[StepRecord] = []
    entries = [
        entry for section in document.sections if section.heading == _EXECUTOR_SECTIONS[0] for entry in section.entries
    ]
    for entry in entries:
        found = _EXECUTOR_RESULT_HEADING.match(entry.heading)
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
