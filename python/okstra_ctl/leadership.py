"""Who leads a run: recorded in its manifest, in the claim or worktree that it uses, and in the index
(docs/how-to/recover.md)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from .agents.environment import RUN_VARIABLE, homes_named
from .claims.registry import Registry
from .errors import Refused, Unreadable
from .home_paths import HomePaths
from .index.run_index import IndexRow, try_append
from .names import Owner
from .quoting import okstra_command
from .runs.find import KnownRun
from .services import Services
from .status import ClaimStatus, Liveness, RunOutcome
from .system import files as fsio
from .system.locks import LockKind, locked
from .system.process_identity import ancestors, is_this_process_or_above, liveness, owner_of
from .worktrees.users import begin_use, end_use

Lead = dict[str, Any]
BY_OKSTRA = "auto"
"""The `mode` of a lead that is okstra itself; otherwise an agent's session leads the run."""
Change = Callable[[dict[str, Any], Lead], dict[str, Any]]


def owner_in(run: KnownRun, manifest: Mapping[str, object]) -> Owner | None:
    """Who leads the run, by its manifest. Raises Unreadable (`state-unreadable`): an unreadable lead might be alive."""
    return owner_in_manifest(manifest, where=run.files.manifest)


def owner_in_manifest(manifest: Mapping[str, object], *, where: str) -> Owner | None:
    """As `owner_in`, for the manifest at the path `where`."""
    lead = manifest.get("lead")
    try:
        return Owner.from_json(lead.get("owner")) if isinstance(lead, Mapping) else None
    except ValueError as error:
        message = f"who leads the run can't be read from its manifest: {error}"
        raise Unreadable("state-unreadable", message, where=where) from error


def change_lead(run: KnownRun, change: Change) -> None:
    """Replaces the manifest with what `change` returns for it and its `lead`, as they are on disk now."""
    with locked(LockKind.INDEX, f"{run.files.manifest}.lock"):
        manifest = fsio.read_json(run.files.manifest) or {}
        lead = manifest.get("lead")
        fsio.replace_json(run.files.manifest, change(manifest, dict(lead) if isinstance(lead, dict) else {}))


def check_free(run: KnownRun, manifest: Mapping[str, Any]) -> None:
    """Raises Refused (`run-ended`, `run-is-led`) unless this process may lead the run, by its manifest; and Unreadable
    (`state-unreadable`)."""
    if manifest.get("outcome") == str(RunOutcome.COMPLETED):
        raise Refused("run-ended", f"{run.id} is completed", where=run.report_path, hint=okstra_command("show", run.id))
    check_owner(run, owner_in(run, manifest))


def check_owner(run: KnownRun, owner: Owner | None) -> None:
    """Raises Refused (`run-is-led`) when the owner is a live process other than this one and the session above it.

    While a run is led, only its lead continues, finishes or releases it. Where okstra itself leads, the processes below
    it are workers and checks, which may not.
    """
    if owner is None or liveness(owner) is not Liveness.ALIVE:
        return
    if owner == owner_of(os.getpid()) or (not _by_okstra(run) and is_this_process_or_above(owner)):
        return
    raise Refused(
        "run-is-led",
        f"{run.id} is led by process {owner.pid} on {owner.host}",
        where=run.files.manifest,
        hint=f"wait for it ({okstra_command('wait', run.id)}), or stop that process and go on then",
    )


def _by_okstra(run: KnownRun) -> bool:
    """Whether okstra leads the run now: once it has ended, its owner is the session that okstra was called from."""
    lead = run.manifest.get("lead")
    mode = lead.get("mode") if isinstance(lead, Mapping) else None
    return mode == BY_OKSTRA and bool(run.manifest.get("started_at")) and not run.manifest.get("outcome")


def name_lead(run: KnownRun, owner: Owner | None, **facts: str) -> None:
    """Records who leads from now on, None for nobody; `facts` are stored beside it."""
    document = owner.to_json() if owner else None
    change_lead(run, lambda manifest, lead: {**manifest, "lead": {**lead, **facts, "owner": document}})


def index_started(run: KnownRun, services: Services, owner: Owner) -> str:
    """Records in the index who leads the run from now on. Returns a warning if that failed."""
    task_type, stage, manifest = run.id.task_type, run.id.stage, run.files.manifest
    at = services.clock.now()
    row = IndexRow(str(run.id), "started", at, task_type, stage, run.project.root, manifest, owner.to_json())
    return try_append(services.home, row)


def own_claim(run: KnownRun, services: Services, owner: Owner | None, *, completed: bool | None = None) -> None:
    """Makes the lead the owner of its stage's claim, or a user of its task's worktree.

    `completed` is given at the run's end: whether the run succeeded. A completed run no longer uses its task's
    worktree, nor does a failed one that has no `owner` to continue it.
    """
    key = run.id.stage_key
    with services.registry.transaction() as doc:
        if key is not None:
            claim = doc.stage(key)
            if claim is not None and claim.run_id == str(run.id) and claim.status is not ClaimStatus.PROVISIONING:
                doc.put_stage(key, claim._replace(owner=None if completed else owner))
        elif completed or (completed is False and owner is None):
            end_use(doc, run.id, services, completed=completed)
        elif not run.degraded:
            begin_use(doc, run.id, owner, services)


def require_no_worker(command: str, services: Services) -> None:
    """Raises Refused (`worker-may-not`) when called from inside a worker, a check or a set-up command.

    With another home than the worker's, the command is refused if that home has worktrees of the same projects, as a
    copy has. Raises Unreadable when its registry can't be read.
    """
    lines = (above.words for above in ancestors())
    homes = homes_named(services.environment, lines)
    own = os.path.realpath(services.home.root)
    if not any(home == own or _projects_in(home) & _projects_in(own) for home in homes):
        return
    run = services.environment.get(RUN_VARIABLE, "")
    raise Refused(
        "worker-may-not",
        f"`okstra {command}` changes what okstra keeps, and this is inside a worker" + (f" of {run}" if run else ""),
        where=services.home.root,
        hint=f"leave `okstra {command}` to the run's lead, or to the person; write in your result what is needed",
    )


def _projects_in(home: str) -> set[str]:
    """The root folders of the projects that a home has worktrees of."""
    claims = Registry(HomePaths(home)).read().claims()
    return {os.path.realpath(root) for root, _ in claims if root}
