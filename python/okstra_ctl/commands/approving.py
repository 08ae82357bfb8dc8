"""Showing a person what a plan would do, and asking whether it is approved. Nothing else approves a plan."""

from __future__ import annotations

import os
import sys

from ..command_table import Call
from ..errors import Refused, UsageError
from ..output import table
from ..plan import approve as plan_approval
from ..plan.approval_record import Where
from ..plan.approve import Approver, Candidate
from ..plan.graph import number_list
from ..plan.model import StageMap
from ..plan.store import CheckedPlan
from ..quoting import okstra_command
from ..recovery.superseded_planning import release_planning_runs
from ..system.visible_text import printable


def approve(path: str, call: Call, *, yes: bool) -> CheckedPlan:
    """Asks at a terminal unless `yes`; elsewhere `yes` must be given: nobody is there to ask.

    Raises UsageError (`input-missing`), Refused (`not-confirmed`), and as `plan_approval.candidate`.
    """
    found = plan_approval.candidate(path, call.services)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "input-missing",
                "nobody is there to ask whether the plan is approved",
                where=path,
                hint=f"read it, then: {okstra_command('plan', 'approve', path, '--yes')}",
            )
        if not _asked(found):
            raise Refused("not-confirmed", "the plan is not approved", where=path)
    plan = plan_approval.approve(path, _approver(path, call), call.services, seen=found.stage_map.digest)
    for warning in release_planning_runs(path, call.services):
        sys.stderr.write(printable(f"okstra: warning: {warning}\n"))
    return plan


def approve_unrecorded(refused: Refused, call: Call) -> None:
    """Asks the person at the terminal about a plan that says `approved: true` without a recorded approval.

    Raises `refused` again if it is another refusal, and Refused (`not-confirmed`) when the answer is no.
    """
    if not refused.data.get(plan_approval.UNRECORDED):
        raise refused
    sys.stderr.write(printable(f"{refused.message}\n"))
    approve(str(refused.data["plan"]), call, yes=False)


def stages_table(stage_map: StageMap) -> str:
    rows = [
        (str(stage.number), stage.title, number_list(stage.depends_on) or "-", ", ".join(stage.files), stage.exit_check)
        for stage in stage_map.stages
    ]
    return table(rows, ("stage", "title", "depends on", "files", "exit check"))


def _asked(found: Candidate) -> bool:
    plan = found.plan
    lines = [plan.path, "", stages_table(found.stage_map), ""]
    lines += [f"warning: line {one.line}: {one.message}" for one in plan.findings]
    if plan.approval is not None and found.changed:
        lines += [f"since it was approved ({plan.approval.summary}):", *(f"  {change}" for change in found.changed), ""]
    sys.stderr.write(printable("\n".join(lines)))
    while True:
        sys.stderr.write(f"approve {len(found.stage_map.stages)} stage(s)? [y/N] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        word = answer.strip().lower()
        if word in ("y", "yes"):
            return True
        if word in ("n", "no") or not word:
            return False


def _approver(path: str, call: Call) -> Approver:

    from .. import git
    from ..system import owner as process_identity

    if process_identity.nearest_client() is not None:
        where = Where.SESSION
    else:
        where = Where.TERMINAL if sys.stdin.isatty() else Where.SCRIPT
    person = git.committer(os.path.dirname(os.path.abspath(path)))
    return Approver(person or call.services.environment.get("USER", ""), where)
