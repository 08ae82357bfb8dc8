"""Approving a plan, and looking up which of its stages are approved.

An approval is recorded in okstra's home: the text first, its row in `approvals.jsonl` last. The row is the commit
point: a text without one (after a kill between the two) approves nothing, and the next approval overwrites it. The
plan's own `approved: true` follows; if it is missing, calling `okstra plan approve` again only writes that.

A stage's exit check and planned files are those of the approved text, whatever was changed in the plan since.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..claims import ledger_file
from ..errors import OkstraError, Refused, Unreadable, UsageError
from ..index import run_index
from ..names import RunId
from ..quoting import okstra_command
from ..services import Services
from ..system import files
from ..system.locks import LockKind, locked
from ..system.text import encode_line
from . import plans
from .model import StageMap, changes
from .plans import Approval, CheckedPlan, PlanPlace, Where

UNRECORDED = "unrecorded"
"""In a refusal's data: the plan says that it is approved, and nobody is on record for it."""


class Approver(NamedTuple):
    """Who approves, as git names them, and from where."""

    person: str
    where: Where


class InForce(NamedTuple):
    """The stages that were approved last. `notes` are for people, such as how the plan differs from them by now."""

    stage_map: StageMap
    notes: tuple[str, ...]


class Candidate(NamedTuple):
    """A plan that can be approved. `changed`: the differences from its last approval."""

    plan: CheckedPlan
    stage_map: StageMap
    changed: tuple[str, ...]


def candidate(path: str, services: Services) -> Candidate:
    """The plan as a person would approve it. Raises CheckFailed (`plan-invalid`), Refused (`plan-not-approved`: a
    blocking question is open; `plan-not-the-tasks`), UsageError, Unreadable."""
    plan, _ = _approved_form(path)
    place = _require_place(path, services)
    if plan.stage_map is None:
        raise plans.invalid(plan)
    _require_s12(plan)
    before = plans.newest_approval(services.home, place)
    changed: tuple[str, ...] = ()
    if before is not None and before.digest != plan.stage_map.digest:
        changed = _changed_since(before, place, plan.stage_map, services)
    return Candidate(plan._replace(approval=before), plan.stage_map, changed)


def approve(path: str, by: Approver, services: Services, *, seen: str = "") -> CheckedPlan:
    """Records the text and its approver, and sets `approved: true`. An existing approval of the same stages is kept.

    `seen` is the digest of what the person was shown. Raises as `candidate`, and Refused (`plan-changed`).
    """
    stage_map = candidate(path, services).stage_map
    if seen and stage_map.digest != seen:
        raise Refused("plan-changed", "the plan was changed while you read it", where=path, hint="approve it again")
    plan, text = _approved_form(path)
    _keep(_require_place(path, services), plan, text, by, services)
    if plans.read_text(path) != text:
        files.replace(path, text.encode("utf-8"))
    return plans.load(path, services)


def record_fetched(path: str, by: Approver, services: Services) -> None:
    """Records the approval of a plan that came from another machine with `approved: true` in it. Raises as `candidate`.

    The file is left as it is.
    """
    plan = plans.check(path)
    place = _require_place(path, services)
    if plan.stage_map is None:
        raise plans.invalid(plan)
    _require_s12(plan)
    _keep(place, plan, plans.read_text(path), by, services)


def require(path: str, services: Services, *, remember: bool = True) -> tuple[StageMap, tuple[str, ...]]:
    """The stages of a plan that may run, and notes. Without `remember` nothing is written.

    Raises CheckFailed for S1 to S11 and S13, Refused for S12, for a plan that nobody approved (`plan-not-approved`)
    and for one whose stages were changed since (`plan-changed`).
    """
    plan = plans.load(path, services)
    if plan.stage_map is None:
        raise plans.invalid(plan)
    _require_s12(plan)
    if plan.may_run:
        return plan.stage_map, ()
    place = _require_place(path, services)
    if plan.approval is not None:
        raise _changed(path, plan.approval, _changed_since(plan.approval, place, plan.stage_map, services))
    note = _count_earlier(path, place, services, remember=remember)
    if not note:
        raise _unrecorded(path)
    return plan.stage_map, (note,)


def in_force(path: str, services: Services, *, remember: bool = True) -> InForce:
    """The stages of that plan as they were approved last. Without `remember` nothing is written.

    Raises Refused (`plan-not-approved`), Unreadable.
    """
    place = _require_place(path, services)
    approval = plans.newest_approval(services.home, place)
    if approval is not None:
        stage_map = _approved_map(place, approval, services)
        note = _departure(path, stage_map, approval)
    else:
        note = _count_earlier(path, place, services, remember=remember)
        counted = plans.check(path).stage_map if note else None
        if counted is None:
            raise _unrecorded(path)
        stage_map = counted
    return InForce(stage_map, (note,) if note else ())


def _approved_form(path: str) -> tuple[CheckedPlan, str]:
    """The plan as it would be once approved, and its text."""
    from . import approval

    text = approval.approve(plans.read_text(path))
    return plans.check_text(path, text), text


def _require_place(path: str, services: Services) -> PlanPlace:
    place = plans.place_of(path, services)
    if place is None:
        raise Refused(
            "plan-not-the-tasks",
            "the plan is not in a task's planning folder, so nothing can be built from it",
            where=path,
            hint=okstra_command("plan", "adopt", path, "--task-key", "KEY"),
        )
    return place


def _require_s12(plan: CheckedPlan) -> None:
    for finding in plan.findings:
        if finding.rule == "S12":
            where = f"{plan.path}:{finding.line}"
            hint = f"read it, answer what is open, then: {okstra_command('plan', 'approve', plan.path, '--yes')}"
            raise Refused("plan-not-approved", finding.message, where=where, hint=hint)


def _keep(place: PlanPlace, plan: CheckedPlan, text: str, by: Approver, services: Services) -> None:
    assert plan.stage_map is not None
    digest, home = plan.stage_map.digest, services.home
    rows = home.approvals(place.project)
    with locked(LockKind.INDEX, home.approvals_lock):
        files.make_folder(os.path.dirname(rows))
        files.replace(home.approved_text(place.project, digest), text.encode("utf-8"))
        files.replace(home.approved_map(place.project, digest), plans.map_bytes(plan, text))
        known = plans.newest_approval(home, place)
        if known is None or known.digest != digest:
            row = Approval(digest, place.task, place.name, by.person, services.clock.now(), str(by.where))
            files.append_line(rows, encode_line(row.to_json()))


def _approved_map(place: PlanPlace, approval: Approval, services: Services) -> StageMap:
    """The stages of the approved text. Its file name is its digest, so a changed text is detected."""
    path = services.home.approved_text(place.project, approval.digest)
    try:
        stage_map = plans.approved_stages(path)
    except UsageError:
        stage_map = None
    if stage_map is None or stage_map.digest != approval.digest:
        raise Unreadable(
            "state-unreadable",
            "the approved text of the plan is gone, or was changed since",
            where=path,
            hint="read the plan, and approve it again: okstra plan approve PLAN",
        )
    return stage_map


def _departure(path: str, approved: StageMap, approval: Approval) -> str:
    """A note when the plan's stages are not those that were approved; empty when they are."""
    try:
        now = plans.approved_stages(path)
    except OkstraError:
        now = None
    if now is not None and now.digest == approval.digest:
        return ""
    what = "; ".join(changes(approved, now)[:3]) if now is not None else "it can't be read, or breaks rules"
    return f"the plan is not as it was approved ({what or 'its words'}): the approved text counts; where: {path}"


def _changed_since(approval: Approval, place: PlanPlace, now: StageMap, services: Services) -> tuple[str, ...]:
    try:
        return tuple(changes(_approved_map(place, approval, services), now)) or ("words of the Stage Map",)
    except Unreadable:
        return ("the approved text is gone, so it can't be compared",)


def _changed(path: str, approval: Approval, changed: tuple[str, ...]) -> Refused:
    more = f"; and {len(changed) - 5} more" if len(changed) > 5 else ""
    return Refused(
        "plan-changed",
        f"the plan was changed since it was approved ({approval.summary}): {'; '.join(changed[:5])}{more}",
        where=path,
        hint=f"read it, then: {okstra_command('plan', 'approve', path, '--yes')}",
        data={"plan": path, "changes": list(changed)},
    )


def _unrecorded(path: str) -> Refused:
    return Refused(
        "plan-not-approved",
        "nobody is on record as having approved this plan here; its own `approved: true` is not enough",
        where=path,
        hint=f"read it, then: {okstra_command('plan', 'approve', path, '--yes')}",
        data={"plan": path, UNRECORDED: True},
    )


def _count_earlier(path: str, place: PlanPlace, services: Services, *, remember: bool) -> str:
    """A note when the plan counts as approved, because runs of it are from before okstra kept approvals; else empty.

    Only for a task of which nothing was ever approved here, and only by runs that okstra's home knows of: a ledger
    alone may be anybody's. All plans of the task are taken over at once, so this happens once.
    """
    if any(one.task == place.task for one in plans.approvals_of(services.home, place.project)):
        return ""
    reports = os.path.dirname(os.path.realpath(path))
    ran = _digests_that_ran(os.path.join(os.path.dirname(reports), "consumers.jsonl"), services)
    found = []
    for plan in _plans_beside(path) if ran else ():
        try:
            checked = plans.check(plan)
        except OkstraError:
            continue
        if checked.approved and checked.stage_map is not None and checked.stage_map.digest in ran:
            found.append(checked)
    if os.path.realpath(path) not in [os.path.realpath(one.path) for one in found]:
        return ""
    for one in found if remember else ():
        earlier = Approver("", Where.EARLIER)
        _keep(place._replace(name=os.path.basename(one.path)), one, plans.read_text(one.path), earlier, services)
    return f"the plan has runs from before okstra kept approvals, and counts as approved; where: {path}"


def _plans_beside(path: str) -> list[str]:
    """The plan and the others of its task."""
    others = plans.newest_first(plans.task_files(path))
    return others if os.path.realpath(path) in map(os.path.realpath, others) else [path, *others]


def _digests_that_ran(ledger: str, services: Services) -> set[str]:
    """The digests of plans of which the ledger has rows, of runs that the home knows."""
    rows = list(_rows(ledger))
    if not rows:
        return set()
    known = {row["run_id"] for row in run_index.newest_rows(services.home, run_index.EVERYTHING)}
    known |= {claim.run_id for _, claim in services.registry.read().stages()}
    return {digest for digest, run_id in rows if run_id in known}


def _rows(ledger: str) -> Iterator[tuple[str, str]]:
    """Digest and run of every row."""
    from ..system.text import loads

    for line in ledger_file.read_lines(ledger):
        try:
            row = loads(line)
            if isinstance(row, dict) and RunId.parse(str(row.get("run_id"))).stage is not None:
                yield str(row.get("plan_digest")), str(row.get("run_id"))
        except (ValueError, RecursionError, OkstraError):
            continue
