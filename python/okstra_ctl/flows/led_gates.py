"""Whether the run that okstra led for a stage passed its gates; and what a person's word does when it did not."""

from __future__ import annotations

from ..core.identity import RunId, TaskKey
from ..core.manifest import SCHEMA
from ..core.paths import ProjectFiles
from ..core.report.outcome import closed_gates
from ..core.selection import StageState
from ..core.shell_words import okstra_command
from ..edges import fsio
from ..words.errors import OkstraError, Refused
from ..words.hints import Iterable, Mapping
from ..words.outcomes import RunOutcome
from . import run_events
from .doors import Doors
from .leadership import BY_OKSTRA
from .runs import KnownRun
from .taken_results import DIGEST, REPORT_WRITTEN, digest_of

_WITH_GATES = (RunOutcome.FAILED, RunOutcome.CONTRACT_VIOLATED)


def fault_of(manifest: Mapping[str, object]) -> str:
    """Why the run's gates don't count as passed; empty when they do, or when okstra did not lead it: the session that
    leads a run answers for its stage itself."""
    lead = manifest.get("lead")
    if not isinstance(lead, Mapping) or lead.get("mode") != BY_OKSTRA or not manifest.get("started_at"):
        return ""
    outcome = manifest.get("outcome")
    if outcome == RunOutcome.COMPLETED:
        return ""
    if outcome not in _WITH_GATES:
        return "was interrupted" if outcome else "has not come to its end"
    shut = _shut(manifest.get("gates"))
    return f"ended as {outcome}" + (f": {shut}" if shut else "")


def _shut(gates: object) -> str:
    """The gates that are not passed, each with its word."""
    if not isinstance(gates, Mapping):
        return ""
    try:
        shut = closed_gates({"gates": {name: {"gate": gate} for name, gate in gates.items()}})
    except ValueError:
        return ""
    return ", ".join(f"{name} {gates[name]}" for name in shut)


def require_passed(run: KnownRun) -> None:
    """Raises Refused (`gates-not-passed`) when okstra led the run and it did not pass."""
    fault = fault_of(run.manifest)
    if fault:
        raise _refusal(run, fault)


def require_stages_passed(project: ProjectFiles, key: TaskKey, states: Iterable[StageState]) -> None:
    """The same for done stages, but those that a person recorded as done all the same."""
    for state in states:
        run = _run_of(project, key, state)
        if run is not None and not state.overrule:
            require_passed(run)


def _run_of(project: ProjectFiles, key: TaskKey, state: StageState) -> KnownRun | None:
    try:
        run = RunId.parse(state.run_id)
    except OkstraError:  # a row that another program wrote
        return None
    files = project.task(key).run_of(run)
    manifest = fsio.read_json(files.manifest, SCHEMA)
    return None if manifest is None else KnownRun(run, project, files, manifest)


def _refusal(run: KnownRun, fault: str) -> Refused:
    overrule = okstra_command("stage", "done", "--run", run.id, "--overrule", "WHY")
    return Refused(
        "gates-not-passed",
        f"{run.id}, which okstra led, {fault}",
        where=run.files.manifest,
        hint=f"{okstra_command('resume', run.id)} goes on with it; a person who answers for it: {overrule}",
    )


def note_in_report(run: KnownRun, why: str, doors: Doors) -> str:
    """Writes a person's word into the run's report, and makes its pages anew. A warning when that can't be done; a run
    that was stopped before its report has none."""
    from .reports import render  # the report's libraries are slow to load

    try:
        found = fsio.read_bytes(run.files.report_data)
        report = fsio.read_json(run.files.report_data)
        if found is None or report is None:
            return ""
        digests = {row.get(DIGEST) for row in run_events.events_of(run.files) if row.get("event") == REPORT_WRITTEN}
        if digests and digest_of(found) not in digests:  # to write it anew would vouch for what somebody changed
            return f"the report does not tell of it: somebody changed {run.files.report_data}"
        at = doors.clock.now()
        data = fsio.json_bytes({**report, "overrule": {"why": why, "at": at}})
        # Before the data: what okstra wrote must be known for its own.
        run_events.append(run.files, REPORT_WRITTEN, at, run_id=str(run.id), sha256=digest_of(data))
        fsio.replace(run.files.report_data, data)
        render(run, doors)
    except OkstraError as error:
        return f"the report does not tell of it: {error.message}"
    return ""
