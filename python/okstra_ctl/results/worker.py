"""The result of an analyst, critic or verifier: read, and checked by the rules R1 to R8 (docs/formats.md)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from .evidence import Checked
from .parse import Document, Entry, Section, read_document
from .records import Evidence, Finding, FindingSeverity, Problem, WorkerResult

_QUOTED = r"(?:`` (?P<q2>.+) ``|``(?P<q3>.+?)``|`(?P<q1>[^`]+)`)"
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
_GRAVE = (FindingSeverity.CRITICAL, FindingSeverity.HIGH)


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
    elif verdict in passing and any(finding.severity in _GRAVE for finding in result.findings):
        yield Problem("R8", 1, f"the verdict {verdict} can't stand beside a critical or high finding")
    elif verdict not in passing and not result.findings:
        yield Problem("R8", 1, f"the verdict {verdict} needs a finding that says why")


def parse_evidence(text: str) -> Evidence | None:
    """The evidence of a bullet's value; None when it is neither a citation nor a command with an exit code."""
    text = text.strip()
    if found := _COMMAND.match(text):
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


def evidence_row(worker: str, finding: str, checked: Checked) -> dict[str, str]:
    """A line of evidence with the result of its check, for a listing."""
    place = f"at line {checked.first}" if str(checked.status) == "moved" else ""
    return {
        "worker": worker,
        "finding": finding,
        "evidence": checked.evidence.as_text(),
        "status": str(checked.status),
        "told": "; ".join(part for part in (place, checked.note) if part),
    }


def check_identity(fields: Mapping[str, str], *, task_key: str, worker: str) -> list[Problem]:
    """Problems of a result that belongs to another task or worker, left over or copied."""
    wanted = {"task-key": task_key, "worker": worker}
    return [
        Problem("R1", 1, f"the frontmatter's {name} is {fields[name]!r}, and should be {value!r}")
        for name, value in wanted.items()
        if fields.get(name) and fields[name] != value
    ]
