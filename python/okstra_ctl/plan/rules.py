"""Checks a plan against rules S1 to S13 and builds its Stage Map.

The structure comes first: S3 to S11 and S13 are checked only if S1 and S2 hold, and then all of them. A cell that
breaks one rule counts as empty for the others, so that one mistake in a plan is reported by one rule.
"""

from __future__ import annotations

from typing import NamedTuple

from ..markdown import folded, is_empty_cell, outside_code, pieces, plain_text, shown, split_breaks, without_comments
from ..system.shell_lists import Pipeline, pipelines
from .approval import approval_line, is_approved, open_blockers
from .model import KEPT_GREEN, NO_PROOF, RED_GREEN, Finding, Stage, StageMap, error
from .overlap import check_dependencies, check_files, check_overlap
from .parse import DEPENDS_ON, EXIT_CHECK, FILES, PROOF, STEPS, TITLE, Row, Table, read_document
from .structure import Entry, check_names, check_steps, check_structure, check_test_first, is_test_path

_NO_COLUMN = {
    TITLE: ("S11", "The Stage Map has no `Title` column; add one with a title for each stage."),
    DEPENDS_ON: ("S3", "The Stage Map has no `Depends on` column; add one with stage numbers or `(none)`."),
    FILES: ("S5", "The Stage Map has no `Files` column; add one that names the files each stage touches."),
    STEPS: ("S4", "The Stage Map has no `Steps` column; add one with the number of steps of each stage."),
    EXIT_CHECK: ("S6", "The Stage Map has no `Exit check` column; add one with a command that proves each stage."),
}
_OPERATORS = ("&&", "||", ";", "|")
_ALWAYS_GREEN = ("true", ":", "exit 0", "/bin/true", "/usr/bin/true")
_TALKERS = ("echo", "printf")


class PlanCheck(NamedTuple):
    """What a check found. `findings` are sorted by line, then rule.

    `stage_map` is None when a rule of S1 to S11, or S13, is broken. `approved` is the whole gate of S12: `approved:
    true` and no open question that blocks approval.
    """

    stage_map: StageMap | None
    findings: tuple[Finding, ...]
    approved: bool


def check_plan(text: str) -> PlanCheck:
    """Checks a plan text. S12, and S6 for an exit check that can't fail, come as warnings."""
    stage_map, findings = _check(text)
    broken = any(finding.severity == "error" for finding in findings)
    approval = _check_approval(text)
    found = sorted([*findings, *approval], key=lambda one: (one.line, int(one.rule[1:]), one.message))
    return PlanCheck(None if broken else stage_map, tuple(found), not approval)


def approved_stages(text: str) -> StageMap | None:
    """The stages of an approved text; None when its structure is broken.

    The other rules held when it was approved: a rule that became stricter since does not revoke an approval.
    """
    return _check(text)[0]


def _check(text: str) -> tuple[StageMap | None, list[Finding]]:
    document = read_document(text)
    entries, findings = check_structure(document)
    if findings or document.table is None:
        return None, findings
    stages, findings = _check_stages(entries, document.table)
    return StageMap(tuple(sorted(stages)), document.digest), findings


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


def _check_stages(entries: list[Entry], table: Table) -> tuple[list[Stage], list[Finding]]:
    """The stages, with the findings of S3 to S11, and S13."""
    dependencies, findings = check_dependencies(entries)
    findings += _check_titles(entries)
    files, stages = {}, []
    for number, row, section in entries:
        files[number], wrong_files = check_files(row)
        exit_check, wrong_command = _check_exit_check(row)
        proof, wrong_proof = check_proof(row, files[number])
        findings += [*wrong_files, *wrong_command, *wrong_proof, *check_steps(section, row.cells.get(STEPS), row.line)]
        findings += [*check_names(section), *check_test_first(section, () if wrong_files else files[number])]
        title = plain_text(row.cell(TITLE))
        needs = tuple(sorted(dependencies.needs[number]))
        exemption = section.exemption or ""
        stages.append(Stage(number, title, needs, files[number], exit_check, section.steps, exemption, row.line, proof))
    missing = {column: found for column, found in _NO_COLUMN.items() if column not in table.columns}
    # A missing column is one mistake, not one for each of its cells.
    of_cells = {rule for column, (rule, _) in missing.items() if column != STEPS}
    findings = [finding for finding in findings if finding.rule not in of_cells]
    findings += [error(rule, table.line, message) for rule, message in missing.values()]
    if DEPENDS_ON in table.columns:
        findings += check_overlap(entries, files, dependencies, table.line)
    return stages, findings


def _check_titles(entries: list[Entry]) -> list[Finding]:
    """S11."""
    findings = []
    first_of: dict[str, int] = {}
    for number, row, _ in entries:
        title = plain_text(row.cell(TITLE))
        # A dash or a stray mark is no title either.
        if not any(sign.isalnum() for sign in title):
            message = "The title is empty; write what the stage brings."
            findings.append(error("S11", row.line, message))
        elif (first := first_of.setdefault(folded(title), number)) != number:
            message = f"The title {shown(title)} is that of stage {first} already; give each stage a title of its own."
            findings.append(error("S11", row.line, message))
    return findings


def _check_exit_check(row: Row) -> tuple[str, list[Finding]]:
    """The exit check, with S6 for one that is missing or broken, and as a warning for one that can't fail."""
    cell = row.cell(EXIT_CHECK)
    command = read_command(cell)
    problem = ""
    if is_empty_cell(command) or not any(sign.isalnum() for sign in command):
        problem = "The exit check is empty; write a command that ends with status 0 when the stage is done."
    elif row.overflows or any("`" in piece.text for piece in pieces(cell) if not piece.is_code):
        problem = (
            f"The exit check {shown(cell)} is cut off; close every backtick, and inside a table write a pipe as `\\|` "
            "(it is red when any of its commands is)."
        )
    elif any(sign < " " and sign != "\t" for sign in command):
        problem = f"The exit check {shown(command)} holds a control character; write a command on one line."
    if problem:
        return "", [error("S6", row.line, problem)]
    fault = weakness(command)
    warning = Finding("S6", "warning", row.line, f"The exit check {shown(command)} {fault}.")
    return command, [warning] if fault else []


def check_proof(row: Row, files: tuple[str, ...] = ()) -> tuple[str, list[Finding]]:
    """What the stage's check has to show, with S13 for an unknown word and for `none` without a reason; as a warning
    for a stage of tests alone, which has no code to be red without."""
    text = plain_text(row.cell(PROOF)).strip()
    empty = is_empty_cell(text) and text.casefold() != NO_PROOF
    if empty or text.casefold() in (RED_GREEN, KEPT_GREEN):
        proof = KEPT_GREEN if text.casefold() == KEPT_GREEN else RED_GREEN
        if proof == KEPT_GREEN or not files or not all(is_test_path(path) for path in files):
            return proof, []
        message = (
            f"All files of the stage are tests, so its check is not red without them; write `{NO_PROOF}: <reason>`."
        )
        return proof, [Finding("S13", "warning", row.line, message)]
    word, _, reason = (part.strip() for part in text.partition(":"))
    if word.casefold() == NO_PROOF and any(sign.isalnum() for sign in reason):
        return f"{NO_PROOF}: {reason}", []
    if word.casefold() == NO_PROOF:
        message = "`none` gives no reason; write `none: <why the check can't fail without the stage>`."
    else:
        message = f"The proof {shown(text)} is unknown; write `{RED_GREEN}`, `{KEPT_GREEN}` or `{NO_PROOF}: <reason>`."
    return RED_GREEN, [error("S13", row.line, message)]


def read_command(cell: str) -> str:
    """The command of a raw cell: its code spans, else all of its text.

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


def weakness(command: str) -> str:
    """Why the command can't fail, or not for what it seems to check; empty when it can, or nobody can tell."""
    found = pipelines(command)
    if not found:
        ending = " ".join(command.split()[-2:])
        return _overruled(ending) if ending in ("|| true", "|| :") else ""
    if all(_cannot_fail(one) for one in found):
        return "only says something and can't fail; write a command that is red until the stage is done"
    last = found[-1]
    if last.before in ("||", ";") and _cannot_fail(last):
        return _overruled(f"{last.before} {last.commands[0]}")
    return ""


def _overruled(ending: str) -> str:
    return f"is green whatever comes before: it ends with {shown(ending)}; take that away"


def _cannot_fail(pipeline: Pipeline) -> bool:
    if pipeline.negated or len(pipeline.commands) > 1:
        return False
    words = pipeline.commands[0].split()
    return " ".join(words) in _ALWAYS_GREEN or words[0] in _TALKERS
