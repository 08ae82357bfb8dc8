"""Checks a plan against rules S1 to S12 and builds its Stage Map (spec 3, "The Stage Map").

All rules are asked at once. A cell that breaks one rule counts as empty for the others, so that one mistake in a plan
is reported by one rule. This is the module that needs the markdown parser; `approval`, `globs`, `records` and
`stage_map_json` do without.
"""

from __future__ import annotations

from typing import NamedTuple

from .approval import approval_line, is_approved, open_blockers
from .dependencies import Dependencies, check_dependencies
from .document import Document, Table, read_document
from .failing_first import check_test_first
from .file_cells import Files, check_files
from .numbering import Numbering, number_stages
from .overlap import check_overlap
from .records import Finding, Stage, StageMap
from .rows import check_exit_checks, check_titles
from .sections import Section
from .step_rules import check_counts, check_names, check_step_cells
from .weak_checks import warn_of_weak_checks

_COLUMNS = "`Stage`, `Title`, `Depends on`, `Files`, `Steps`, `Exit check`"


class PlanCheck(NamedTuple):
    """What a check found. `findings` are sorted by line, then rule.

    `stage_map` is None when a rule of S1 to S11 is broken. `approved` is the whole gate of S12: `approved: true` and
    no open question that blocks approval.
    """

    stage_map: StageMap | None
    findings: tuple[Finding, ...]
    approved: bool


class _Stages(NamedTuple):
    """What the rules read from the rows, by the place of the row."""

    numbering: Numbering
    titles: list[str]
    exit_checks: list[str]
    files: list[Files]
    dependencies: Dependencies


def check_plan(text: str) -> PlanCheck:
    """Checks a plan text (str) and answers its Stage Map and findings (PlanCheck).

    S12, and S6 for an exit check that can't fail, come as warnings.
    """
    document = read_document(text)
    approval = _check_approval(text)
    findings = _check_headings(document)
    stages = None
    if document.table is not None and document.table.rows:
        stages = _check_rows(document.table, document.sections, findings)
    elif document.heading_lines:
        findings += _check_missing_rows(document)
    stage_map = None if findings or stages is None else _build(stages, document.digest)
    weak = warn_of_weak_checks(stages.numbering.entries, stages.exit_checks) if stages else []
    everything = [*findings, *approval, *weak]
    found = sorted(everything, key=lambda finding: (finding.line, int(finding.rule[1:]), finding.message))
    return PlanCheck(stage_map, tuple(found), not approval)


def _check_approval(text: str) -> list[Finding]:
    """S12."""
    findings = []
    if not is_approved(text):
        message = "The plan is not approved; `okstra plan approve` writes `approved: true` into its frontmatter."
        findings.append(Finding("S12", "warning", approval_line(text), message))
    for question in open_blockers(text):
        message = f"{question.id} blocks approval and is still open; answer it and set its status to `answered`."
        findings.append(Finding("S12", "warning", question.line, message))
    return findings


def _check_headings(document: Document) -> list[Finding]:
    """S1 for a map that is not there or there twice."""
    if not document.heading_lines:
        return [Finding("S1", "error", 1, "The plan has no Stage Map; write it under a heading `## 5.5 Stage Map`.")]
    first = document.heading_lines[0]
    message = f"A Stage Map begins at line {first} already; keep one heading `## 5.5 Stage Map`."
    return [Finding("S1", "error", line, message) for line in document.heading_lines[1:]]


def _check_missing_rows(document: Document) -> list[Finding]:
    """S1 for a map without rows; its sections are judged all the same."""
    if document.table is not None:
        line, message = document.table.line, "The Stage Map has no rows; add one for each stage."
    else:
        line, message = document.heading_lines[0], f"The Stage Map has no table; add one with the columns {_COLUMNS}."
    findings = [Finding("S1", "error", line, message)]
    findings += _check_sections([(section, Files((), True)) for section in document.sections])
    return findings


def _check_sections(sections: list[tuple[Section, Files]]) -> list[Finding]:
    """The rules that a section can break by itself."""
    alone = [section for section, _ in sections]
    return [*check_counts(alone), *check_names(alone), *check_test_first(sections)]


def _check_rows(table: Table, sections: tuple[Section, ...], findings: list[Finding]) -> _Stages:
    """Asks S1 to S11 of a map with rows, adds to the findings, and answers what was read."""
    numbering = number_stages(table, sections)
    entries = numbering.entries
    rows = [entry.row for entry in entries]
    titles, title_findings = check_titles(entries, table)
    exit_checks, exit_findings = check_exit_checks(entries, table)
    files, file_findings = check_files(rows, table)
    dependencies, dependency_findings = check_dependencies(numbering, table)
    findings += [*numbering.findings, *title_findings, *exit_findings, *file_findings, *dependency_findings]
    findings += check_step_cells(entries, table)
    findings += _check_sections(
        [(entry.section, held) for entry, held in zip(entries, files, strict=True) if entry.section is not None]
    )
    findings += check_overlap(entries, files, dependencies, table.line)
    return _Stages(numbering, titles, exit_checks, files, dependencies)


def _build(stages: _Stages, digest: str) -> StageMap:
    """The Stage Map of a plan that breaks no rule."""
    entries = stages.numbering.entries
    built = []
    for place, entry in enumerate(entries):
        # Without findings every row has its number and its section.
        assert entry.number is not None and entry.section is not None
        depends_on = sorted(entries[target].number or 0 for target in stages.dependencies.edges[place])
        built.append(
            Stage(
                number=entry.number,
                title=stages.titles[place],
                depends_on=tuple(depends_on),
                files=stages.files[place].patterns,
                exit_check=stages.exit_checks[place],
                steps=tuple(raw.step for raw in entry.section.steps),
                tdd_exemption=entry.section.exemption or "",
                line=entry.row.line,
            )
        )
    return StageMap(tuple(sorted(built)), digest)
