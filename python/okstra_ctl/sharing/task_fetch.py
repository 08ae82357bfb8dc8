"""`okstra task fetch`: bringing a shared task into this clone: its plan, its ledger, its records.

All of it was written by others, whoever may push to the remote. So nothing that came this way runs before somebody
here answers for it: the plan that the remote says was approved counts only if its approver is one of this home's
`approvers`, or if a person names its digest (`--trust-digest`); else it has to be approved here.

Killed at any step, calling it again finishes it: each step looks first at what is there.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import DONE_ROWS, LedgerRow, rows_of
from ..errors import CheckFailed, Refused, Unreadable, UsageError
from ..names import BRANCH_PREFIXES, IMPLEMENTATION, PLANNING, RunId, TaskKey
from ..plan import approvals, plans
from ..plan.approvals import Approver
from ..plan.model import StageMap
from ..plan.plans import Where
from ..quoting import okstra_command
from ..remote.exchange import Seen
from ..remote.shared_task import Approval, SharedTask
from ..runs.find import claim_run
from ..services import Services
from ..settings.project import Project
from ..system import files
from ..tasks.records import ensure_task, try_record_next_step
from .claims import SharedClaims
from .joining import sharing_of
from .run_records import fetch_records

CATEGORY, TITLE = "work_category", "title"
"""Further fields of a shared task: what its branches are named by, and what it is about."""
_MOST_TITLE = 80


class Fetched(NamedTuple):
    """`is_approved`: its stages may be run here. `approval` is what the remote says of it."""

    task_key: str
    plan: str
    digest: str
    approval: Approval
    is_approved: bool
    rows: int
    records: tuple[str, ...]
    """Folders of records that other machines' runs left, for reading."""


def fetch_task(project: Project, key: TaskKey, services: Services, *, trust_digest: str = "") -> Fetched:
    """Raises UsageError (`not-found`, `bad-identity`), Refused (`plan-changed`: the digest is another), Unreadable, and
    what `SharedClaims` raises."""
    if key.project_id != project.config.project_id:
        message = f"this project is {project.config.project_id!r}, not {key.project_id!r}"
        raise UsageError("bad-identity", message, where=project.files.config)
    sharing = sharing_of(project.root, key, services)
    if sharing is None:
        raise UsageError(
            "not-found",
            "this clone shares no tasks",
            where=project.root,
            hint=okstra_command("remote", "use", "origin"),
        )
    seen = sharing.read()
    approval = seen.task.approval
    if approval is None:
        raise UsageError(
            "not-found",
            f"the remote has no approved plan of {key}",
            where=sharing.where,
            hint=f"on the machine that has the plan: {okstra_command('plan', 'approve', 'PLAN')}",
        )
    text, stage_map = _checked_plan(seen, approval, sharing)
    if trust_digest and trust_digest != approval.digest:
        raise Refused(
            "plan-changed",
            f"the plan that the remote has is {approval.digest}, not {trust_digest}",
            where=sharing.where,
            hint=f"{okstra_command('task', 'fetch', key)} brings it; read it first",
        )
    known = seen.task.unknown
    category, title = str(known.get(CATEGORY, "")), str(known.get(TITLE, ""))
    ensure_task(
        project.files,
        key,
        category=category if category in BRANCH_PREFIXES else "",
        brief="",
        at=services.clock.now(),
        title=" ".join(title.split())[:_MOST_TITLE],
    )
    plan = _placed(text, stage_map, project, key)
    rows = ledger_file.append(ledger_path(plan), _rows(seen))
    if trust_digest or _is_known(approval.who, services):
        approvals.record_fetched(plan, Approver(approval.who, Where.FETCHED), services)
    found = plans.load(plan, services)
    step = ("run", "--task-key", key, "--task-type", IMPLEMENTATION) if found.may_run else ("plan", "approve", plan)
    try_record_next_step(project.files, key, okstra_command(*step))
    records = _records(seen.task, project, sharing)
    return Fetched(str(key), plan, approval.digest, approval, found.may_run, rows, records)


def _records(task: SharedTask, project: Project, sharing: SharedClaims) -> tuple[str, ...]:
    """Those of the runs that did the task's stages, but for runs of this clone."""
    files_of_task = project.files.task(task.key)
    done = [RunId.parse(stage.run_id) for number, stage in sorted(task.stages.items()) if task.is_done(number)]
    elsewhere = [run for run in done if not os.path.exists(files_of_task.run_of(run).manifest)]
    return tuple(filter(None, (fetch_records(run, files_of_task, sharing.records) for run in elsewhere)))


def _checked_plan(seen: Seen, approval: Approval, sharing: SharedClaims) -> tuple[str, StageMap]:
    try:
        text = seen.files.plan.decode("utf-8")
        checked = plans.check_text(sharing.where, text)
    except UnicodeDecodeError:
        raise _unreadable(sharing, "its plan is not UTF-8 text") from None
    if checked.stage_map is None:
        raise plans.invalid(checked)
    if checked.stage_map.digest != approval.digest:
        raise _unreadable(sharing, "its plan is not the one that was approved")
    return text, checked.stage_map


def _unreadable(sharing: SharedClaims, what: str) -> Unreadable:
    hint = f"approve it again where it was planned: {okstra_command('plan', 'approve', 'PLAN')}"
    return Unreadable("remote-unreadable", what, where=sharing.where, hint=hint)


def _placed(text: str, stage_map: StageMap, project: Project, key: TaskKey) -> str:
    """Where that plan stands; it becomes the task's next one if the newest here is another. No file is overwritten."""
    task = project.files.task(key)
    newest = plans.latest(task)
    if newest is not None:
        try:
            here = plans.check(newest).stage_map
        except (CheckFailed, Unreadable):
            here = None
        if here is not None and here.digest == stage_map.digest:
            return newest
    run = claim_run(task, PLANNING)
    files.make_folder(os.path.dirname(run.report))
    files.replace(run.report, text.encode("utf-8"))
    return run.report


def _rows(seen: Seen) -> list[LedgerRow]:
    """The rows that agree with the shared state: the state decides, the rows are its history."""
    return [
        row._replace(owner=None)
        for row in rows_of(seen.files.rows.splitlines())
        if row.impl_task_key == str(seen.task.key) and _agrees(row, seen.task)
    ]


def _agrees(row: LedgerRow, task: SharedTask) -> bool:
    stage = task.stages.get(row.stage)
    if stage is None or row.epoch > stage.claim.epoch:
        return False
    is_newest = (row.run_id, row.epoch) == (stage.run_id, stage.claim.epoch)
    return row.status not in DONE_ROWS or (is_newest and task.is_done(row.stage) and row.head_commit == stage.head)


def _is_known(who: str, services: Services) -> bool:
    """Whether this home takes that name for an approver: as git writes it, or by the address alone."""
    config = files.read_json(services.home.config) or {}
    known = config.get("approvers")
    address = who.rpartition("<")[2].rstrip(">") if who.endswith(">") else ""
    return isinstance(known, list) and bool(who) and (who in known or (bool(address) and address in known))
