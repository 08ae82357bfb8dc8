"""Shows one run, or a task's last one: what was asked for, what came of it and cost, and what comes next."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from ..errors import OkstraError
from ..history.end_reasons import end_reason
from ..history.findings import Summary, summary_of
from ..history.listing import run_row, run_rows
from ..history.next_steps import step_of
from ..markdown import find_frontmatter
from ..output import Reply, fields, time_for_people
from ..quoting import okstra_command
from ..runs.find import KnownRun, find_run
from ..services import Call
from ..status import overtaken
from ..system import files
from ..tasks.fix_cycles import Cycle, cycle_of, cycles_of
from ..tasks.records import read_manifest

_MOST = 160


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run id, as `okstra list` prints it; or a task: its last run")


def execute(args: Namespace, call: Call) -> Reply:
    run = find_run(args.run, call.start, call.services)
    cycle = cycle_of(cycles_of(run.project.task(run.id.task)), str(run.id))
    row = run_row(str(run.id), call.services)
    status = row.status if row else "prepared"
    past = overtaken(run_rows(call.services))
    step = "" if str(run.id) in past else step_of(row, call.services) if row else okstra_command("resume", run.id)
    following = "" if step else _next_of_task(run, call)
    reason = end_reason(run, status)
    worktree = run.worktree
    roster = run.manifest.get("roster")
    workers = (
        [f"{w.get('id')} ({w.get('model')})" for w in roster if isinstance(w, dict)] if isinstance(roster, list) else []
    )
    summary, cost = summary_of(run), _cost(run, call)
    title, request = _asked(run)
    text = fields(
        [
            ("run", run.id),
            ("title", title),
            ("request", request),
            ("prepared", time_for_people(str(run.manifest.get("prepared_at", "")))),
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
            *_outcome(summary),
            ("cost", cost),
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
        "title": title,
        "request": request,
        "verdict": summary.verdict,
        "conclusion": summary.conclusion,
        "findings": dict(summary.findings),
        "gates": {name: {"gate": gate, "note": note} for name, gate, note in summary.gates},
        "cost": cost,
    }
    return Reply(data, text)


def _next_of_task(run: KnownRun, call: Call) -> str:
    from ..history.schedule import next_of_task  # slow to import, and only an ended run leads on to it

    return next_of_task(run.project.root, run.id.task, call.services)


def _state(cycle: Cycle) -> str:
    return "open" if cycle.is_open else f"closed by {cycle.closed_by}"


def _outcome(summary: Summary) -> list[tuple[str, str]]:
    verdict = f"{summary.verdict}: {summary.conclusion}" if summary.conclusion else summary.verdict
    gates = [("gate", f"{name} {gate}{f' ({note})' if note else ''}") for name, gate, note in summary.gates]
    return [("verdict", verdict), ("findings", summary.counts), *gates]


def _asked(run: KnownRun) -> tuple[str, str]:
    """The task's title, and the beginning of its request. It is for people: what can't be read is left out."""
    task = run.project.task(run.id.task)
    try:
        manifest = read_manifest(task) or {}
        path = os.path.join(run.project.root, str(manifest.get("brief") or "")) if manifest.get("brief") else task.brief
        text = (files.read_bytes(path) or b"").decode("utf-8", "replace")
    except OkstraError:
        return "", ""
    lines = text.split("\n")[_head(text) :]
    quoted = _of_issue(text) if "```" in text else ""
    words = quoted or " ".join(line.strip() for line in lines if not line.startswith("#"))
    short = " ".join(words.split())
    return str(manifest.get("title") or ""), f"{short[:_MOST]}…" if len(short) > _MOST else short


def _of_issue(brief: str) -> str:
    from ..prepare.issue import first_words  # slow to import

    return first_words(brief)


def _head(text: str) -> int:
    block = find_frontmatter(text)
    return block.line_count if block else 0


def _cost(run: KnownRun, call: Call) -> str:
    from ..history.usage import prices_now, usage_of_run
    from ..usage.tokens import cost_text

    try:
        usage = usage_of_run(run, call.services, prices_now(call.services))
    except OkstraError:
        return ""
    if not usage.workers or usage.rehearsal:
        return "nothing: a rehearsal" if usage.workers else ""
    return cost_text(usage.total.to_json(), {"unknown": "unknown", "at_least": "at least"})
