"""Continues a run that was stopped, or whose worker failed: valid results on disk are not produced again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from .. import git
from ..errors import OkstraError
from ..names import IMPLEMENTATION, PLANNING
from ..options import add_sandbox_flag, add_trust_flag, add_wait_quota, with_sandbox, with_trust
from ..output import Reply
from ..results.records import MAX_BYTES
from ..runs.events import events_of, is_same
from ..runs.find import KnownRun
from ..services import Call
from ..settings.roster import Worker
from ..status import WorkerOutcome
from ..system import files, foreign_files

_WRITER, _ANALYST = "report-writer", "analyst"


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id, as `okstra list` shows it")
    parser.add_argument("--budget", metavar="USD", default="", help="a new budget, including what was spent")
    parser.add_argument("--quorum", metavar="N", default="", help="how many voices have to answer from now on")
    add_wait_quota(parser)
    add_trust_flag(parser)
    add_sandbox_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    from ..doctor.preflight import require_roster
    from ..runs.dropped import require_wanted
    from ..runs.find import asked_of, check_budget, find_run, roster_of, with_asked
    from ..settings.limits import quorum_asked, wait_asked
    from ..settings.phases import phase_table
    from ..status import RunOutcome
    from ..system import assets
    from .leading import lead

    call = with_sandbox(args, with_trust(args, call))
    run = find_run(args.run, call.start, call.services)
    require_wanted(run.id, call.services)
    if args.budget:
        check_budget(args.budget)
    if args.quorum:
        quorum_asked(args.quorum)
    wait_asked(args.wait_quota)
    run = with_asked(run, budget_usd=args.budget, quorum=args.quorum, wait_quota=args.wait_quota)
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(run.id.task_type)
    if run.manifest.get("outcome") != RunOutcome.COMPLETED:
        roster = roster_of(run)
        asked = workers_to_ask(run, roster)
        quorum = asked_of(run, "quorum")
        require_roster(roster, phase, run.project, call.services, lead="", asked=asked, quorum=quorum)
    return lead(run, call)


def workers_to_ask(run: KnownRun, roster: Sequence[Worker]) -> tuple[Worker, ...]:
    """The workers of the roster that a resume asks, or may have to ask.

    A worker that is asked again may raise findings that all others are asked about. So the others are left out only
    when each has answered everything and the report was started: then every answer is taken from disk. In planning,
    the analysts are asked about the plan that the report writer makes.
    """
    events = events_of(run.files)
    silent = [worker for worker in roster if not _has_answered(run, worker, events)]
    begun = any(row.get("event") == "dispatched" and _role(row, roster) == _WRITER for row in events)
    if not begun or any(worker.role != _WRITER for worker in silent) or _may_have_moved(run):
        return tuple(roster)
    checks = run.id.task_type == PLANNING and bool(silent)
    return tuple(worker for worker in roster if worker in silent or (checks and worker.role == _ANALYST))


def _has_answered(run: KnownRun, worker: Worker, events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every request to the worker ended with an answer, and its result was not changed since."""
    last: dict[str, Mapping[str, Any]] = {}
    for row in events:
        if row.get("worker") == worker.id and row.get("event") in ("dispatched", "ended"):
            last[str(row.get("label") or "")] = row
    if "" not in last or any(row.get("outcome") != WorkerOutcome.COMPLETED for row in last.values()):
        return False
    path = run.files.report_data if worker.role == _WRITER else run.files.worker_result(worker.id)
    try:
        data = foreign_files.read(path, MAX_BYTES)
    except OkstraError:
        return False
    return data is not None and is_same(events, last[""], data)


def _role(row: Mapping[str, Any], roster: Sequence[Worker]) -> str:
    return next((worker.role for worker in roster if worker.id == row.get("worker")), "")


def _may_have_moved(run: KnownRun) -> bool:
    """Whether verifiers may have to look at another commit than they did: in a stage whose exit check, which follows
    them, was not run at the current commit. Other phases look at the commit of their start."""
    if run.id.task_type != IMPLEMENTATION:
        return False
    try:
        checked = (files.read_json(run.files.exit_check) or {}).get("commit")
        return not checked or checked != git.resolve(run.folder, "HEAD")
    except OkstraError:
        return True
