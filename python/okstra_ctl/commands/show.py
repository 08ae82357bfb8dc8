"""Shows one run: its manifest, where it works, its status and the reason, and what comes next."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..history.listing import run_row, run_rows
from ..history.next_steps import reason_of, step_of
from ..output import Reply, fields
from ..quoting import okstra_command
from ..runs.find import KnownRun, find_run
from ..services import Call
from ..status import overtaken
from ..tasks.fix_cycles import Cycle, cycle_of, cycles_of


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run id, as `okstra list` prints it")


def execute(args: Namespace, call: Call) -> Reply:
    run = find_run(args.run, call.start, call.services)
    cycle = cycle_of(cycles_of(run.project.task(run.id.task)), str(run.id))
    row = run_row(str(run.id), call.services)
    status = row.status if row else "prepared"
    past = overtaken(run_rows(call.services))
    step = "" if str(run.id) in past else step_of(row, call.services) if row else okstra_command("resume", run.id)
    following = "" if step else _next_of_task(run, call)
    reason = reason_of(run, status)
    worktree = run.worktree
    roster = run.manifest.get("roster")
    workers = (
        [f"{w.get('id')} ({w.get('model')})" for w in roster if isinstance(w, dict)] if isinstance(roster, list) else []
    )
    text = fields(
        [
            ("run", run.id),
            ("prepared", run.manifest.get("prepared_at", "")),
            ("stage", run.id.stage),
            ("plan", run.plan_path),
            ("worktree", f"{worktree.get('path', '')} ({worktree.get('status', '')})"),
            ("branch", worktree.get("branch", "")),
            ("base", run.manifest.get("base_commit", "")),
            ("workers", ", ".join(workers)),
            ("prompt", run.files.launch_prompt),
            ("fix cycle", f"{cycle.id} ({_state(cycle)})" if cycle else ""),
            ("manifest", run.files.manifest),
            ("report", run.report_path),
            ("status", status),
            ("reason", reason),
            ("next", step or following),
        ]
    )
    data = {
        "status": status,
        "reason": reason,
        "next": step,
        "task_next": following,
        "manifest": dict(run.manifest),
        "launch_prompt": run.files.launch_prompt,
        "fix_cycle": cycle._asdict() if cycle else None,
    }
    return Reply(data, text)


def _next_of_task(run: KnownRun, call: Call) -> str:
    from ..history.schedule import next_of_task  # slow to import, and only an ended run leads on to it

    return next_of_task(run.project.root, run.id.task, call.services)


def _state(cycle: Cycle) -> str:
    return "open" if cycle.is_open else f"closed by {cycle.closed_by}"
