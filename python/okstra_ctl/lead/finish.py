"""The last step of a led run: usage, observed models, manifest, task records, index (docs/design/leading.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..checks.run import check_run
from ..index.run_index import IndexRow, try_append
from ..report.outcome import outcome_of
from ..runs.events import events_of, faults_of
from ..stages.records import recorded_overrules
from ..status import RunOutcome, WorkerOutcome
from ..system import files
from ..tasks.records import RunNews, try_record
from ..usage.tokens import usage_of
from .context import RunContext
from .dispatch_log import record_sessions
from .voices import voices_json


def observed_models(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By worker, the model that really answered, from the client's stream."""
    return {str(row["worker"]): str(row["model"]) for row in events if row.get("event") == "ended" and row.get("model")}


def later_failures(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By worker, which later requests (rounds, the plan's check) it gave no answer to."""
    last = {(str(row["worker"]), str(row["label"])): row for row in events if row.get("event") == "ended"}
    failures: dict[str, list[str]] = {}
    for (worker, label), row in last.items():
        if label and row.get("outcome") != WorkerOutcome.COMPLETED:
            failures.setdefault(worker, []).append(f"{label}: {row.get('outcome')}, {row.get('state')}")
    return {worker: "; ".join(parts) for worker, parts in failures.items()}


def hidden_secrets(events: Sequence[Mapping[str, Any]]) -> str:
    """What was hidden in the run's files, by kind; empty when nothing was."""
    kinds: dict[str, int] = {}
    for row in events:
        for kind, times in (row.get("kinds") or {}).items() if row.get("event") == "hidden" else ():
            kinds[kind] = kinds.get(kind, 0) + times
    return ", ".join(f"{times} × {kind}" for kind, times in sorted(kinds.items()))


def fill_in(context: RunContext, report: dict[str, Any]) -> dict[str, Any]:
    """Adds what is known only after the last worker: usage, observed models, and later failures."""
    record_sessions(context, events_of(context.files))
    events = events_of(context.files)
    models = observed_models(events)
    notes = {**faults_of(events), **later_failures(events)}
    report["usage"] = usage_of(events)
    report["at"] = context.services.clock.now()
    hidden = hidden_secrets(events)
    if hidden:
        row = {"what": "secrets", "how": "known formats of keys in logs and results", "result": f"hidden: {hidden}"}
        report["checked"] = [*(one for one in report["checked"] if one["what"] != "secrets"), row]
    report["execution"] = [
        {**row, "model_observed": models.get(row["worker"]), "note": notes.get(row["worker"], row["note"])}
        for row in report["execution"]
    ]
    heard = voices_json(context, report["execution"])
    if heard is not None:
        report["voices"] = heard
    overrules = recorded_overrules(context.run)
    if overrules:
        report["overrules"] = overrules
    report["author"] = {**report["author"], "model": models.get(report["author"]["worker"])}
    return report


def record_faults(context: RunContext, report: Mapping[str, Any]) -> str:
    """What `okstra check run` would report for the run as it is about to end; empty when it finds nothing.

    Raises Missing, Unreadable.
    """
    run = context.run._replace(manifest=_ended_manifest(context, report, context.services.clock.now()))
    faults = check_run(run, about_to_end=True).faults
    shown = [f"{fault.id} {os.path.basename(fault.file)}:{fault.line}: {fault.message}"[:300] for fault in faults[:3]]
    return "; ".join(shown) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")


def persist(context: RunContext, report: Mapping[str, Any]) -> tuple[str, ...]:
    """Writes the derived records first and the manifest last: it ends the run, and until then a resume does all this
    again. Returns warnings."""
    at = context.services.clock.now()
    outcome = str(outcome_of(report))
    next_step = str(report["verdict"]["next_step"])
    token = str(report["verdict"]["token"])
    news = RunNews(context.id, outcome, at, next_step, token=token)
    warnings = [
        try_record(context.run.project, news, worktree=context.folder),
        index_end(context, outcome_of(report), at),
    ]
    context.record_event("persisted", outcome=outcome)
    files.replace_json(context.files.manifest, _ended_manifest(context, report, at))
    return tuple(warning for warning in warnings if warning)


def index_end(context: RunContext, outcome: RunOutcome, at: str) -> str:
    """Records in the index how the run ended. Returns a warning if that failed."""
    row = IndexRow(
        str(context.id),
        str(outcome),
        at,
        context.id.task_type,
        context.id.stage,
        context.run.project.root,
        context.files.manifest,
    )
    return try_append(context.services.home, row)


def _ended_manifest(context: RunContext, report: Mapping[str, Any], at: str) -> dict[str, object]:
    models = {one["worker"]: one["model_observed"] for one in report["execution"]}
    return {
        **_manifest(context),
        "ended_at": at,
        "outcome": str(outcome_of(report)),
        "gates": {name: gate["gate"] for name, gate in report["gates"].items()},
        "usage": report["usage"],
        "roster": [{**one, "model_observed": models.get(one["id"])} for one in _roster(context)],
    }


def _manifest(context: RunContext) -> dict[str, object]:
    return files.read_json(context.files.manifest) or dict(context.run.manifest)


def update_manifest(context: RunContext, **fields: object) -> None:
    files.replace_json(context.files.manifest, {**_manifest(context), **fields})


def _roster(context: RunContext) -> list[dict[str, Any]]:
    rows = (files.read_json(context.files.manifest) or {}).get("roster")
    return [dict(row) for row in rows] if isinstance(rows, list) else []


def save_team_state(context: RunContext) -> None:
    """Writes each worker's latest outcome, derived from the events."""
    ends = {row["worker"]: row for row in events_of(context.files) if row.get("event") == "ended"}
    starts: dict[str, int] = {}
    for row in events_of(context.files):
        if row.get("event") == "dispatched":
            starts[row["worker"]] = starts.get(row["worker"], 0) + 1
    state = {
        "schema": "team-state/1",
        "run_id": str(context.id),
        "workers": [
            {
                "id": worker.id,
                "role": worker.role,
                "status": str(ends.get(worker.id, {}).get("outcome", "not-run")),
                "attempts": starts.get(worker.id, 0),
            }
            for worker in context.roster
        ],
    }
    files.replace_json(context.files.team_state, state)
