"""Loads what the states of a plan's stages depend on: ledger, claims, live owners, merged commits.

Also whether the run that okstra led for a stage passed its gates, and a person's overrule when it did not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import LedgerView, row_id
from ..claims.registry_document import RegistryDoc
from ..errors import OkstraError, Refused, UsageError
from ..leadership import BY_OKSTRA, owner_in_manifest
from ..names import Owner, RunId, TaskKey
from ..paths import ProjectFiles, TaskFiles
from ..plan import approvals, plans
from ..plan.model import StageMap
from ..quoting import okstra_command, quote
from ..report.outcome import closed_gates
from ..runs import events
from ..runs.events import DIGEST, REPORT_WRITTEN, digest_of
from ..runs.find import KnownRun, recorded_end
from ..runs.manifest import SCHEMA
from ..services import Services
from ..sharing.joining import known_view
from ..status import ClaimStatus, LedgerStatus, Liveness, RunOutcome, RunStatus, run_status
from ..system import files
from ..system.process_identity import liveness
from ..tasks.records import read_task_identity
from .select import StageRecords, StageState, commits_to_merge, stage_states

_WITH_GATES = (RunOutcome.FAILED, RunOutcome.CONTRACT_VIOLATED)


def load_records(
    doc: RegistryDoc, key: TaskKey, ledger: LedgerView, merged: dict[str, bool] | None, project_root: str = ""
) -> StageRecords:
    """One consistent view, with the liveness of owners and recorded outcomes. `project_root`: given where no claims
    are."""
    claims = doc.stages_of(key)
    owners = [claim.owner for claim in claims.values()] + [row.owner for row in ledger.newest.values()]
    task = doc.task(key)
    ends = {
        claim.run_id: recorded_end(claim.run_id, claim.project_root)
        for claim in claims.values()
        if claim.status is ClaimStatus.ACTIVE
    }
    if project_root:  # without git, stages are claimed by ledger rows only
        started = [row for row in ledger.newest.values() if row.status is LedgerStatus.STARTED]
        ends |= {row.run_id: recorded_end(row.run_id, project_root) for row in started if row.run_id not in ends}
    return StageRecords(ledger, claims, _liveness(owners), merged, task.epochs if task else {}, ends)


def merged_into(task_worktree: str, head: str, commits: Iterable[str]) -> dict[str, bool]:
    """Which of the commits are in the task branch. Most listings need no git, so it is imported late."""
    from .. import git

    return {commit: bool(commit) and git.is_ancestor(task_worktree, commit, head) for commit in commits}


def current_states(plan: str, stage_map: StageMap, key: TaskKey, services: Services) -> list[StageState]:
    """Every stage's status now, without a lock."""
    ledger = ledger_file.read(ledger_path(plan), task_key=str(key), plan_digest=stage_map.digest)
    elsewhere = known_view(plans.project_root_of(plan), key, services).stages
    doc = services.registry.read()
    claim = doc.task(key)
    if claim is None or not os.path.isdir(claim.path):
        root = plans.project_root_of(plan) if claim is None else ""
        return stage_states(stage_map, load_records(doc, key, ledger, None, root)._replace(elsewhere=elsewhere))
    records = load_records(doc, key, ledger, {})._replace(elsewhere=elsewhere)
    wanted = commits_to_merge(stage_map, records)
    if wanted:
        records = records._replace(merged=merged_into(claim.path, "HEAD", wanted))
    return stage_states(stage_map, records)


def newest_plan_states(task: TaskFiles, key: TaskKey, services: Services) -> tuple[str, list[StageState]]:
    """The task's newest plan and every stage's status now. Raises Refused (`plan-not-approved`, `plan-changed`)."""
    plan = plans.latest(task)
    if plan is None:
        raise Refused("plan-not-approved", f"{key} has no plan", hint="plan the task first")
    stage_map, _ = approvals.require(plan, services, remember=False)
    return plan, current_states(plan, stage_map, key, services)


def task_of_plan(plan: str, services: Services) -> TaskKey:
    """The task in whose planning folder the plan is. Raises UsageError (`not-found`) for a plan elsewhere."""
    place = plans.place_of(plan, services)
    if place is not None:
        identity = read_task_identity(plans.task_files(plan).root)
        # Before the task's first run there is none: then its folders name it.
        return identity or TaskKey.make(place.project, *place.task.split("/"))
    raise UsageError(
        "not-found",
        "the plan is not in a task's planning folder",
        where=plan,
        hint=okstra_command("plan", "adopt", plan, "--task-key", "KEY"),
    )


def _liveness(owners: Iterable[Owner | None]) -> dict[Owner, Liveness]:
    return {owner: liveness(owner) for owner in set(owners) if owner is not None}


def led_run_fault(manifest: Mapping[str, object]) -> str:
    """Why the run's gates don't count as passed; empty when they do, or when okstra did not lead it: the session that
    leads a run answers for its stage itself."""
    lead = manifest.get("lead")
    if not isinstance(lead, Mapping) or not lead.get("mode"):
        return "has a manifest that does not say who led it"
    if lead["mode"] != BY_OKSTRA or not manifest.get("started_at"):
        return ""
    outcome = manifest.get("outcome")
    if outcome == RunOutcome.COMPLETED:
        return ""
    if outcome not in _WITH_GATES:
        return "was interrupted" if outcome else "has not come to its end"
    closed = _closed_gates(manifest.get("gates"))
    return f"ended as {outcome}" + (f": {closed}" if closed else "")


def _closed_gates(gates: object) -> str:
    """The gates that are not passed, each with its verdict."""
    if not isinstance(gates, Mapping):
        return ""
    try:
        closed = closed_gates({"gates": {name: {"gate": gate} for name, gate in gates.items()}})
    except ValueError:
        return ""
    return ", ".join(f"{name} {gates[name]}" for name in closed)


def require_gates_passed(run: KnownRun) -> None:
    """Raises Refused (`gates-not-passed`) when okstra led the run and it did not pass."""
    fault = led_run_fault(run.manifest)
    if fault:
        raise _refusal(run, fault)


def require_gates_of_stages_passed(
    project: ProjectFiles, key: TaskKey, states: Iterable[StageState], task: str
) -> None:
    """As `require_gates_passed` for done stages, except overruled ones. `task` is the task's worktree.

    A run whose manifest is gone did not pass: it is unknown who led it, and deleting a record must not open a gate.
    """
    for state in states:
        if state.host and state.gates_open and not state.overrule:
            raise _open_elsewhere(state, task, key)
        if state.overrule or state.host:  # no other machine publishes a stage whose gates are closed
            continue
        try:
            run = RunId.parse(state.run_id)
        except OkstraError:  # a row of another program
            continue
        paths = project.task(key).run_of(run)
        manifest = files.read_json(paths.manifest, SCHEMA)
        if manifest is None:
            raise _gone(run, paths.manifest, state)
        require_gates_passed(KnownRun(run, project, paths, manifest))


def unfinished_run(project: ProjectFiles, key: TaskKey, state: StageState) -> RunStatus | None:
    """What the run of a done stage is while it keeps the stage from being merged; None when it does not, or when it is
    another machine's."""
    if state.overrule or state.host:
        return None
    try:
        paths = project.task(key).run_of(RunId.parse(state.run_id))
        manifest = files.read_json(paths.manifest, SCHEMA)
        if manifest is None or not led_run_fault(manifest):
            return None
        owner = owner_in_manifest(manifest, where=paths.manifest)
    except OkstraError:
        return None
    lead = liveness(owner) if owner else Liveness.GONE
    return run_status(None, str(manifest.get("outcome") or ""), lead)


def _open_elsewhere(state: StageState, task: str, key: TaskKey) -> Refused:
    by_hand = f"git -C {quote(task)} merge {state.head_commit[:12]}"
    return Refused(
        "gates-not-passed",
        f"{state.run_id}, which okstra leads on {state.host}, has not passed all of its gates",
        where=f"stage {state.stage}",
        hint="wait for the end of that run, or integrate there; once that machine is known to be gone, look at the "
        f"commit yourself and merge it by hand: {by_hand}; then {okstra_command('integrate', '--task-key', key)}",
    )


def _gone(run: RunId, manifest: str, state: StageState) -> Refused:
    return Refused(
        "gates-not-passed",
        f"the manifest of {run} is gone, and nothing else says whether its gates were passed",
        where=manifest,
        hint=f"bring it back from a backup; or look at the branch {state.branch or state.head_commit} yourself, and "
        "merge it into the task's branch by hand: git merge",
    )


def _refusal(run: KnownRun, fault: str) -> Refused:
    overrule = okstra_command("stage", "done", "--run", run.id, "--overrule", "WHY")
    return Refused(
        "gates-not-passed",
        f"{run.id}, which okstra led, {fault}",
        where=run.files.manifest,
        hint=f"{okstra_command('resume', run.id)} goes on with it; a person who answers for it: {overrule}",
    )


def recorded_overrules(run: KnownRun) -> list[dict[str, str]]:
    """A person's overrules of the run's closed gates, in order, from the ledger. Raises Unreadable."""
    if run.id.stage is None or not run.plan_path:
        return []
    rows = ledger_file.rows_named(ledger_path(run.plan_path), row_id(str(run.id), run.epoch, LedgerStatus.DONE))
    return [{"why": row.overrule, "at": row.at} for row in rows if row.overrule]


def note_overrules_in_report(run: KnownRun, services: Services) -> str:
    """Writes the overrules into the run's report and renders its pages again. Returns a warning when that fails; a run
    that was stopped before its report has none.

    Safe to repeat after a kill: the ledger decides what is written.
    """
    from ..report.store import render  # the report's libraries are slow to load

    try:
        found = files.read_bytes(run.files.report_data)
        report = files.read_json(run.files.report_data)
        if found is None or report is None:
            return ""
        digests = {row.get(DIGEST) for row in events.events_of(run.files) if row.get("event") == REPORT_WRITTEN}
        if digests and digest_of(found) not in digests:  # writing it again would confirm somebody's changes
            return f"the overrule is not in the report: somebody changed {run.files.report_data}"
        report.pop("overrule", None)  # of an earlier okstra, which kept one overrule only
        data = files.json_bytes({**report, "overrules": recorded_overrules(run)})
        # Before the data: the digest is how okstra recognises its own report.
        at = services.clock.now()
        events.append(run.files, REPORT_WRITTEN, at, run_id=str(run.id), sha256=digest_of(data))
        files.replace(run.files.report_data, data)
        render(run, services)
    except OkstraError as error:
        return f"the overrule is not in the report: {error.message}"
    return ""
