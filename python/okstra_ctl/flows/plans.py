"""Reading, approving and adopting plans. A checked plan's Stage Map is kept beside it, so that later
commands need no markdown parser; it counts only while the plan's text is the same, and is kept with that text
(comparing costs less than a digest, whose library takes milliseconds to load)."""

from __future__ import annotations

import os

from ..core.identity import number_in
from ..core.paths import OKSTRA_DIR, PLANNING, ProjectFiles, RunFiles, TaskFiles
from ..core.plan.records import Finding, StageMap
from ..core.plan.stage_map_json import stage_map_from_json, stage_map_to_json
from ..core.shell_words import okstra_command
from ..edges import fsio
from ..edges.locks import LockKind, hold
from ..words.errors import CheckFailed, Refused, Unreadable, UsageError
from ..words.records import Record
from ..words.statuses import Severity

CACHE_SCHEMA = "stage-map/1"
_PLAN_PREFIX, _PLAN_SUFFIX = f"final-report-{PLANNING}-", ".md"


class CheckedPlan(Record):
    """A plan with what the rules say of it. `stage_map` is None when S1 to S11 found an error."""

    path: str
    stage_map: StageMap | None
    findings: tuple[Finding, ...]
    approved: bool

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == Severity.ERROR]


def read_text(path: str) -> str:
    """Raises UsageError (`not-found`), Unreadable (`plan-unreadable`)."""
    try:
        data = fsio.read_bytes(path)
    except Unreadable as error:
        raise Unreadable("plan-unreadable", error.message, where=path) from error
    if data is None:
        raise UsageError("not-found", f"there is no plan {path}", where=path)
    try:
        return data.decode("utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(
            "plan-unreadable", f"it is not UTF-8 text (byte {error.start})", where=path, hint="save it as UTF-8"
        ) from error


def check(path: str) -> CheckedPlan:
    """Checks the plan anew with the markdown parser; writes nothing."""
    return _check_text(path, read_text(path))


def load(path: str, *, remember: bool = False) -> CheckedPlan:
    """The plan as last checked if its bytes are the same, else checked now (and remembered, if asked and in order)."""
    text = read_text(path)
    cache = _cache_path(path)
    known = _from_cache(cache, text) if cache else None
    if known is not None:
        return known._replace(path=path)
    checked = _check_text(path, text)
    if remember and cache and checked.stage_map is not None:
        with hold(LockKind.INDEX, _project_of(cache).lock):  # runs that start at once all want to remember it
            fsio.replace_json(cache, _to_cache(checked, text))
    return checked


def require_runnable(path: str, *, remember: bool = False) -> tuple[CheckedPlan, StageMap]:
    """The plan of an implementation run. Raises CheckFailed for S1 to S11, Refused for S12 (spec 3)."""
    plan = load(path, remember=remember)
    if plan.stage_map is None:
        raise invalid(plan)
    _require_s12(plan)
    return plan, plan.stage_map


def invalid(plan: CheckedPlan) -> CheckFailed:
    """The refusal of a plan that breaks rules, with every finding in it."""
    shown = "; ".join(f"{finding.rule} line {finding.line}: {finding.message}" for finding in plan.errors[:3])
    more = f"; and {len(plan.errors) - 3} more" if len(plan.errors) > 3 else ""
    return CheckFailed(
        "plan-invalid",
        f"the plan breaks {len(plan.errors)} rule(s): {shown}{more}",
        where=plan.path,
        hint=okstra_command("plan", "check", plan.path),
        data={"findings": [finding._asdict() for finding in plan.findings]},
    )


def approve(path: str) -> CheckedPlan:
    """Sets `approved: true` once S1 to S12 pass; an approved plan stays as it is.

    Raises CheckFailed (`plan-invalid`), Refused (`plan-not-approved`) when a blocking question is open.
    """
    from ..core.plan import approval

    text = read_text(path)
    approved_text = approval.approve(text)
    plan = _check_text(path, approved_text)
    if plan.stage_map is None:
        raise invalid(plan)
    _require_s12(plan)
    if approved_text != text:
        fsio.replace(path, approved_text.encode("utf-8"))
    return load(path, remember=True)


def latest(task: TaskFiles) -> str | None:
    """The task's newest plan; None when it has none."""
    try:
        names = os.listdir(task.plans_dir)
    except OSError:
        return None
    found = [(int(seq), name) for name in names if (seq := _seq_in(name))]
    return os.path.join(task.plans_dir, max(found)[1]) if found else None


def _require_s12(plan: CheckedPlan) -> None:
    for finding in plan.findings:
        if finding.rule == "S12":
            where = f"{plan.path}:{finding.line}"
            hint = f"answer what is open, then: {okstra_command('plan', 'approve', plan.path)}"
            raise Refused("plan-not-approved", finding.message, where=where, hint=hint)


def _check_text(path: str, text: str) -> CheckedPlan:
    from ..core.plan.check import check_plan

    checked = check_plan(text)
    return CheckedPlan(path, checked.stage_map, checked.findings, checked.approved)


def _cache_path(plan: str) -> str | None:
    """Where the checked map of a task's own plan is kept; None for a plan that stands elsewhere."""
    seq = _seq_in(os.path.basename(plan))
    folder = os.path.dirname(os.path.dirname(os.path.abspath(plan)))
    if not seq or os.path.basename(folder) != PLANNING or f"{os.sep}{OKSTRA_DIR}{os.sep}" not in folder:
        return None
    return RunFiles(folder, PLANNING, seq).stage_map_cache


def _seq_in(name: str) -> str:
    """The run's number in the name of a plan; empty for another file's."""
    if not (name.startswith(_PLAN_PREFIX) and name.endswith(_PLAN_SUFFIX)):
        return ""
    seq = name[len(_PLAN_PREFIX) : -len(_PLAN_SUFFIX)]
    return seq if len(seq) >= 3 and number_in(seq) is not None else ""


def _project_of(path: str) -> ProjectFiles:
    """The project in whose `.okstra` the path lies."""
    return ProjectFiles(path[: path.rindex(f"{os.sep}{OKSTRA_DIR}{os.sep}")])


def _to_cache(plan: CheckedPlan, text: str) -> dict[str, object]:
    assert plan.stage_map is not None
    return {
        "schema": CACHE_SCHEMA,
        "plan_text": text,
        "approved": plan.approved,
        "findings": [list(finding) for finding in plan.findings],
        "stage_map": stage_map_to_json(plan.stage_map),
    }


def _from_cache(path: str, text: str) -> CheckedPlan | None:
    """What was remembered; None when there is nothing, it is of another text, or it can't be read."""
    try:
        kept = fsio.read_json(path, CACHE_SCHEMA)
        if kept is None or kept.get("plan_text") != text:
            return None
        findings = kept["findings"]
        assert isinstance(findings, list)
        stage_map = stage_map_from_json(kept["stage_map"])
        return CheckedPlan(path, stage_map, tuple(Finding(*fields) for fields in findings), kept["approved"] is True)
    except (Unreadable, ValueError, KeyError, TypeError, AssertionError):
        return None
