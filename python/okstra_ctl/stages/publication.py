"""Letting other machines know that a stage is done: after its exit check, before the row in this machine's ledger.

The commit that passed stands in the claim (`proven`) until then. After a kill, or when the remote could not be reached,
`okstra stage publish` goes on from there; the exit check is not run again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .. import git
from ..claims.ledger_rows import LedgerRow
from ..claims.registry_document import StageClaim
from ..errors import OkstraError, Refused, UsageError
from ..names import RunId
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..runs.find import KnownRun, find_run
from ..runs.manifest import SCHEMA
from ..services import Services
from ..settings.project import find_root
from ..sharing.joining import is_shared, sharing_of
from ..status import ClaimStatus, StageStatus, publishing
from ..system import files
from .records import led_run_fault
from .select import StageState

if TYPE_CHECKING:
    from ..sharing.claims import SharedClaims


def publish(run: KnownRun, claim: StageClaim | None, row: LedgerRow, exit_check: str, services: Services) -> None:
    """Publishes the stage as done, where machines share the task. `claim` is the run's own, as it stands; None once its
    worktree is gone.

    Raises Refused (`stage-not-held`) when another machine took the stage over: its commits stay on its branch; and what
    `SharedClaims.publish` raises when the remote can't be reached: then the stage stays proven.
    """
    key = run.id.stage_key
    sharing = sharing_of(run.project.root, run.id.task, services)
    if sharing is None or key is None:
        return
    if claim is not None and claim.status is ClaimStatus.ACTIVE:
        with services.registry.transaction() as doc:
            if doc.stage(key) == claim:
                doc.put_stage(key, claim._replace(proven=row.head_commit))
    manifest = files.read_json(run.files.manifest, SCHEMA) or run.manifest  # who leads it changed since it was found
    gates_open = bool(led_run_fault(manifest)) and not row.overrule
    try:
        sharing.publish(key.stage, claim, row, exit_check, gates_open=gates_open)
    except Refused as fenced:
        if fenced.code != "stage-not-held":
            raise
        raise _fenced(run, fenced) from fenced
    except OkstraError as error:
        again = publishing(str(run.id))
        hint = f"the stage is proven, and not published; once the remote can be reached: {again}"
        raise type(error)(error.code, error.message, where=error.where, hint=hint, data=error.data) from error


def unknown_here(run_id: str, start: str, services: Services) -> UsageError | None:
    """Why the run is none of this machine; None when it is one. Raises UsageError (`bad-identity`), Unreadable."""
    try:
        find_run(run_id, start, services)
    except UsageError as error:
        if error.code != "not-found":
            raise
        return error
    return None


def take_away(run_id: str, unknown: UsageError, start: str, services: Services, *, force: bool) -> str:
    """Gives back what a run of another machine holds, because a person says that it is over; returns its host.

    Raises `unknown` where nothing is shared, Refused (`stage-not-held`), and what `SharedClaims` raises.
    """
    run, root = RunId.parse(run_id), find_root(start, services)
    sharing = sharing_of(root, run.task, services) if root else None
    if sharing is None or run.stage is None:
        raise unknown
    if not force:
        listing = okstra_command("stage", "list", "--task-key", run.task)
        forced = okstra_command("stage", "release", "--run", run, "--force")
        hint = f"{listing} shows whose stage it is; once that machine is known to be gone: {forced}"
        raise Refused("stage-not-held", f"{run} is no run of this machine", where=str(run.task), hint=hint)
    return sharing.take_away(run.stage, run_id)


def publish_end(run: KnownRun, services: Services, *, passed: bool) -> str:
    """At the end of a run that okstra led: its records, and whether all its gates passed, so that other machines may
    merge its stage. Returns a warning when they could not be told."""
    if not is_shared(run.project.root, services):
        return ""
    from ..sharing.run_records import try_push

    gates = _publish_gates(run, services) if passed else ""
    return "; ".join(filter(None, (gates, try_push(run, services))))


def _publish_gates(run: KnownRun, services: Services) -> str:
    key = run.id.stage_key
    try:
        sharing = sharing_of(run.project.root, run.id.task, services)
        if sharing is not None and key is not None:
            sharing.pass_gates(key.stage, str(run.id))
    except OkstraError as error:
        again = publishing(str(run.id))
        return f"other machines don't know that all gates were passed: {error.message}; later: {again}"
    return ""


def publish_late_gates(sharing: SharedClaims, project: ProjectFiles, states: Iterable[StageState]) -> None:
    """Lets other machines know of gates that runs of this one passed while the remote could not be reached. `states`
    are those of the task, as the remote has it now. Raises what `SharedClaims` raises."""
    for state in states:
        mine = state.status is StageStatus.DONE and not state.host
        if mine and state.gates_open and has_passed(project, RunId.parse(state.run_id)):
            sharing.pass_gates(state.stage, state.run_id)


def has_passed(project: ProjectFiles, run: RunId) -> bool:
    """Whether the records here say that all gates of the run were passed; a damaged one says nothing."""
    try:
        manifest = files.read_json(project.task(run.task).run_of(run).manifest, SCHEMA)
    except OkstraError:
        return False
    return manifest is not None and not led_run_fault(manifest)


def _fenced(run: KnownRun, fenced: Refused) -> Refused:
    branch = git.existing_branch(run.project.root, run.branch) or run.branch
    return Refused(
        "stage-not-held",
        f"{run.id} (epoch {run.epoch}) was taken over meanwhile, so it can't finish: {fenced.message}",
        where=run.folder,
        hint=f"nothing of it is lost: its commits stay on the branch {branch}; "
        f"{okstra_command('stage', 'release', '--run', run.id)} gives its worktree back",
        data=fenced.data,
    )
