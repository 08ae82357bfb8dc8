"""Whether the run that okstra led for a stage passed its gates; and a person's overrule when it did not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..claims import ledger
from ..claims.ledger import ledger_path
from ..claims.ledger_rows import row_id
from ..errors import OkstraError, Refused
from ..leadership import BY_OKSTRA
from ..names import RunId, TaskKey
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..report.outcome import closed_gates
from ..runs import events
from ..runs.events import DIGEST, REPORT_WRITTEN, digest_of
from ..runs.find import KnownRun
from ..runs.manifest import SCHEMA
from ..services import Services
from ..status import LedgerStatus, RunOutcome
from ..system import files as fsio
from .select import StageState

_WITH_GATES = (RunOutcome.FAILED, RunOutcome.CONTRACT_VIOLATED)


def fault_of(manifest: Mapping[str, object]) -> str:
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


def require_passed(run: KnownRun) -> None:
    """Raises Refused (`gates-not-passed`) when okstra led the run and it did not pass."""
    fault = fault_of(run.manifest)
    if fault:
        raise _refusal(run, fault)


def require_stages_passed(project: ProjectFiles, key: TaskKey, states: Iterable[StageState]) -> None:
    """As `require_passed` for done stages, except overruled ones. A run whose manifest is gone did not pass: it is
    unknown who led it, and deleting a record must not open a gate."""
    for state in states:
        if state.overrule:
            continue
        try:
            run = RunId.parse(state.run_id)
        except OkstraError:  # a row of another program
            continue
        files = project.task(key).run_of(run)
        manifest = fsio.read_json(files.manifest, SCHEMA)
        if manifest is None:
            raise _gone(run, files.manifest, state)
        require_passed(KnownRun(run, project, files, manifest))


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


def overrules(run: KnownRun) -> list[dict[str, str]]:
    """A person's overrules of the run's closed gates, in order, from the ledger. Raises Unreadable."""
    if run.id.stage is None or not run.plan_path:
        return []
    rows = ledger.rows_named(ledger_path(run.plan_path), row_id(str(run.id), run.epoch, LedgerStatus.DONE))
    return [{"why": row.overrule, "at": row.at} for row in rows if row.overrule]


def note_in_report(run: KnownRun, services: Services) -> str:
    """Writes the overrules into the run's report and renders its pages again. Returns a warning when that fails; a run
    that was stopped before its report has none.

    Safe to repeat after a kill: the ledger decides what is written.
    """
    from ..report.store import render  # the report's libraries are slow to load

    try:
        found = fsio.read_bytes(run.files.report_data)
        report = fsio.read_json(run.files.report_data)
        if found is None or report is None:
            return ""
        digests = {row.get(DIGEST) for row in events.events_of(run.files) if row.get("event") == REPORT_WRITTEN}
        if digests and digest_of(found) not in digests:  # writing it again would confirm somebody's changes
            return f"the overrule is not in the report: somebody changed {run.files.report_data}"
        report.pop("overrule", None)  # of an earlier okstra, which kept one overrule only
        data = fsio.json_bytes({**report, "overrules": overrules(run)})
        # Before the data: the digest is how okstra recognises its own report.
        at = services.clock.now()
        events.append(run.files, REPORT_WRITTEN, at, run_id=str(run.id), sha256=digest_of(data))
        fsio.replace(run.files.report_data, data)
        render(run, services)
    except OkstraError as error:
        return f"the overrule is not in the report: {error.message}"
    return ""
