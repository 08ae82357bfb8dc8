"""Leading a run from its start to its record on disk, for new and for resumed runs alike."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import git
from ..agents.sweep import sweep
from ..errors import Interrupted, OkstraError, Refused
from ..guard import hooks, receipt
from ..guard.breaches import UNKNOWN, ReceiptVerdict
from ..leadership import (
    CLIENT,
    Lead,
    change_lead,
    check_free,
    index_started,
    name_lead,
    note_session,
    own_claim,
    session_around,
)
from ..names import IMPLEMENTATION, PLANNING
from ..quarantine.recover import take_abandoned
from ..quoting import okstra_command
from ..report.outcome import RECORD_GATE, closed_gates, outcome_of
from ..results.records import Gate
from ..runs.events import events_of, faults_of
from ..runs.find import KnownRun
from ..sandbox.choice import words
from ..seals import store as seals
from ..services import Services
from ..stages.publication import publish_end
from ..status import RunOutcome, RunStatus, next_step
from ..system.process_identity import nearest_client, this_process
from ..usage.tokens import usage_of
from ..worktrees.ports import in_use
from . import finish, result_folders
from .announce import announce_early_end, announce_end
from .context import PrintProgress, RunContext, WorkplaceEntry, enter_worktree, leave_worktree, open_context
from .converge import check_plan_with_analysts, with_plan_gate
from .dispatch import ports_of_run
from .dispatch_log import take_session_results
from .handoff import STEP_RUN
from .hold import signs_of_life
from .phases import CHECKS_GATE, lead_phase
from .quota import shortages
from .report_writer import own_plan_note, place_report, save_report, write_report
from .tracing import begin_trace, describe_end, ended_trace, recorded_trace


def take_lead(context: RunContext) -> None:
    """Makes this process the run's lead. Raises Refused (`run-is-led`, `run-ended`)."""
    me = this_process()
    led_by = ""

    def started_now(manifest: dict[str, Any], lead: Lead) -> dict[str, Any]:
        nonlocal led_by
        check_free(context.run, manifest)
        led_by = str(lead.get("mode") or "")
        started = manifest.get("started_at") or context.services.clock.now()
        lead.update(mode="auto", owner=me.to_json())
        now = {"lead": lead, "started_at": started, "ended_at": None, "outcome": None}
        return {**manifest, **now, "sandbox": context.sandbox.probed.to_json()}

    seals.reopen(context.run, context.services)
    change_lead(context.run, started_now)
    own_claim(context.run, context.services, me)
    if led_by == CLIENT:
        note_session(context.run, context.services, session_around(context.services))
    context.record_event(
        "started", owner=me.to_json(), commit=context.commit, led_by=led_by or "none", **recorded_trace(context)
    )
    warning = index_started(context.run, context.services, me)
    if warning:
        context.print_progress(warning)


def release_lead(context: RunContext, *, completed: bool) -> None:
    """Gives the run back to the agent session around this process, or to nobody."""
    around = nearest_client()
    own_claim(context.run, context.services, around, completed=completed)
    name_lead(context.run, around)


class RunEnd(NamedTuple):
    """How a led run ended. `report` is the path of the markdown; `token` its verdict."""

    run_id: str
    outcome: RunOutcome
    token: str
    gates: Mapping[str, str]
    report: str
    next_step: str
    warnings: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    """Why workers failed, as their clients put it."""


def conduct(run: KnownRun, services: Services, *, stop: threading.Event, print_progress: PrintProgress) -> RunEnd:
    """Leads the run, or continues it. What has valid output on disk is not done again.

    Raises Refused (`run-is-led`, `run-ended`, `budget-spent`), Interrupted, and what `enter` raises; then
    the run can be resumed.
    """
    check_free(run, run.manifest)
    entered = enter_worktree(run, services)
    try:
        context = begin_trace(open_context(run, services, stop, print_progress))
        take_lead(context)
    except OkstraError:
        leave_worktree(run, entered, services)
        raise
    with ended_trace(context):
        return _conduct(context, entered)


def _conduct(context: RunContext, entered: WorkplaceEntry) -> RunEnd:
    run, services, print_progress = context.run, context.services, context.print_progress
    if entered.news:
        print_progress(entered.news)
    for line in filter(None, (words(context.sandbox.probed), _unsigned(context))):
        print_progress(line)
    _sweep_orphans(context)
    for sentence in (*in_use(ports_of_run(context)), *shortages(context)):
        print_progress(sentence)
    for sentence in take_abandoned(services.home, run_id=str(run.id)):
        print_progress(sentence)
    try:
        hooks.set_up(run, services)
        begun = receipt.begin(run, services)
        take_session_results(context)
        with signs_of_life(context):
            return _lead(context._replace(begun=begun))
    except (Interrupted, Refused) as stopped:
        _record_early_end(context, RunOutcome.INTERRUPTED, stopped)
        raise
    except OkstraError as error:
        _record_early_end(context, RunOutcome.FAILED, error)
        raise


def _lead(started: RunContext) -> RunEnd:
    context = place_report(started)
    with context.trace.step(f"phase {context.id.task_type}"):
        material = lead_phase(context)
    with context.trace.step("report"):
        written = write_report(context, material)
    report = written.report
    if context.id.task_type == PLANNING and written.gate.open:
        with context.trace.step("plan check"):
            report = with_plan_gate(report, check_plan_with_analysts(context, report))
    report["gates"] = {**report["gates"], "report": {"gate": str(written.gate), "note": written.note}}
    found = receipt.finish(context.run, context.services, context.begun)
    report["isolation"] = {
        "breaches": [entry._asdict() for entry in found.breaches],
        "notes": [entry._asdict() for entry in found.notes],
        "receipt": context.files.isolation,
    }
    report["gates"]["isolation"] = isolation_gate(found, words(context.sandbox.probed))
    for entry in found.notes:
        context.print_progress(f"changed meanwhile, by {_author_phrase(entry.author)}: {entry.kind} {entry.what}")
    if found.breaches and context.phase.source_edits == "none":  # else the token states what was done, which stays true
        report["verdict"]["token"] = context.phase.verdict_tokens[-1]
    _add_writer(report, written.answer.worker.id if written.answer else "", written.answer)
    if outcome_of(report) is not RunOutcome.COMPLETED:  # there is nothing to approve
        report["verdict"]["approval_needed"] = False
    context = place_report(context)  # somebody may have put a plan there while the workers were at work
    report["verdict"]["next_step"] = _next_step(context, report)
    report = finish.fill_in(context, report)
    save_report(context, report)
    finish.save_team_state(context)
    faults = finish.record_faults(context, report)
    if faults:
        report["gates"][RECORD_GATE] = {"gate": str(Gate.FAILED), "note": faults}
        report["verdict"].update(next_step=okstra_command("check", "run", context.id), approval_needed=False)
        save_report(context, report)
    outcome = outcome_of(report)
    result_folders.tidy(context.files)
    notes = (own_plan_note(context), *_plan_notes(context))
    persisted = finish.persist(context, report)
    unshared = publish_end(context.run, context.services, passed=outcome is RunOutcome.COMPLETED)
    sealed = seals.try_seal(context.run, context.services)
    warnings = tuple(filter(None, (*notes, *persisted, unshared, sealed)))
    if outcome is RunOutcome.COMPLETED:
        receipt.forget(context.run, context.services)
    release_lead(context, completed=outcome is RunOutcome.COMPLETED)
    announce_end(context, report)
    describe_end(context, outcome, report["verdict"]["token"])
    return RunEnd(
        str(context.id),
        outcome,
        report["verdict"]["token"],
        {name: gate["gate"] for name, gate in report["gates"].items()},
        context.run.report_path,
        report["verdict"]["next_step"],
        warnings,
        tuple(f"{worker}: {fault}" for worker, fault in faults_of(events_of(context.files)).items()),
    )


def _unsigned(context: RunContext) -> str:
    """A note where an executor's commits would be signed, but for the sandbox: the person's key stays outside."""
    if not (context.sandbox.contains and context.workers("executor") and git.discover(context.folder)):
        return ""
    signs = git.config_value(context.folder, "commit.gpgSign").lower() in ("true", "yes", "on", "1")
    return "commits of contained workers are not signed: commit.gpgSign is off inside" if signs else ""


def _add_writer(report: dict[str, Any], worker: str, answer: Any) -> None:
    """Fills in the report writer's own row: the draft was made before it ran."""
    for row in report["execution"]:
        if row["worker"] == worker and answer is not None:
            row.update(outcome=str(answer.outcome), state=str(answer.state))


def _plan_notes(context: RunContext) -> tuple[str, ...]:
    """For a stage: whether its plan was changed since it was approved. The run followed the approved version."""
    try:
        return context.run.approved(context.services).notes if context.id.stage is not None else ()
    except OkstraError:  # the stage's own gate reports it
        return ()


def _author_phrase(author: str) -> str:
    return "somebody who is not known" if author == UNKNOWN else f"a {author}"


def isolation_gate(found: ReceiptVerdict, watched: str = "") -> dict[str, str]:
    """`watched`: what the report says where workers are not contained."""
    breaches = ", ".join(f"{one.kind} {one.what} ({one.author})" for one in found.breaches[:5])
    noted = f"changed meanwhile: {len(found.notes)}" if found.notes else ""
    note = "; ".join(filter(None, [breaches or noted, watched]))
    return {"gate": str(Gate.FAILED if found.breaches else Gate.PASSED), "note": note}


def _next_step(context: RunContext, report: Mapping[str, Any]) -> str:
    key, plan = context.id.task, context.run.report_path
    if outcome_of(report) is RunOutcome.CONTRACT_VIOLATED:
        return next_step(RunStatus.CONTRACT_VIOLATED, str(context.id), stage=context.id.stage is not None)
    if closed_gates(report) not in ([], [CHECKS_GATE]):  # red checks need a change of the code first
        return next_step(RunStatus.FAILED, str(context.id), stage=context.id.stage is not None)
    if context.id.task_type == PLANNING:
        ready = report["verdict"]["token"] == context.phase.verdict_tokens[0]
        return okstra_command("plan", "approve" if ready else "check", plan)
    if context.id.task_type == IMPLEMENTATION:
        return okstra_command("stage", "list", "--plan", context.run.plan_path)
    if context.id.task_type == "final-verification" and report["verdict"]["token"] == "accepted":
        return okstra_command("handoff", key)
    following = {"error-analysis": PLANNING, "improvement-discovery": "requirements-discovery"}
    if report["verdict"]["token"] == "routed":
        following["requirements-discovery"] = PLANNING
    task_type = following.get(context.id.task_type)
    return (
        okstra_command("run", "--task-key", key, "--task-type", task_type)
        if task_type
        else okstra_command("show", context.id)
    )


def _record_early_end(context: RunContext, outcome: RunOutcome, error: OkstraError) -> None:
    """Records the end of a run that has no report: its record must be true, and the run resumable."""
    try:
        context.record_event(str(outcome), reason=error.message)
        at = context.services.clock.now()
        finish.index_end(context, outcome, at)
        finish.update_manifest(context, outcome=str(outcome), ended_at=at, usage=usage_of(events_of(context.files)))
        unsealed = seals.try_seal(context.run, context.services)
        if unsealed:
            context.print_progress(unsealed)
        release_lead(context, completed=False)
        announce_early_end(context, error)
    except OkstraError as second:
        context.print_progress(f"the run's end could not be recorded: {second.message}")


def _sweep_orphans(context: RunContext) -> None:
    """Ends what a killed lead left running, in case the supervisors, which do so themselves, were killed too."""
    open_tokens: dict[tuple[str, str], str] = {}
    for row in events_of(context.files):
        key = (str(row.get("worker")), str(row.get("label")))
        if row.get("token"):  # of a worker's dispatch, a check, or a step of a hand-off
            open_tokens[key] = str(row["token"])
        elif row.get("event") in ("ended", "checks-run", "done", STEP_RUN):
            open_tokens.pop(key, None)
    for token in open_tokens.values():
        sweep(token)
