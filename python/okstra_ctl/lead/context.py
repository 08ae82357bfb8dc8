"""A run that is being led: its worktree, what every step needs to know, how events are recorded and commands run.

The worktree is claimed by the process that is about to lead the run, and restored when its folder is gone. An
interrupted or failed run does not protect its worktree from removal (`okstra gc` removes it once everything in it is
safe), because resuming the run starts here.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .. import git
from ..agents.providers import provider_settings
from ..agents.supervised_process import SupervisedResult
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim, User
from ..errors import Busy, Refused, Unreadable
from ..guard.receipt import ReceiptStart
from ..leadership import check_owner
from ..names import RunId, StageKey, TaskKey
from ..paths import RunFiles
from ..quoting import okstra_command
from ..runs import events
from ..runs.commands import run_supervised_command
from ..runs.containment import sandbox_of
from ..runs.find import KnownRun, asked_of, commit_at_start, roster_of
from ..runs.manifest import CONTEXT_SCHEMA
from ..sandbox.choice import Sandbox
from ..services import Services
from ..settings.limits import LeadSettings, lead_settings
from ..settings.phases import Phase, phase_table
from ..settings.project import load_project
from ..settings.roster import Worker
from ..settings.trust import commands_in, require_trusted
from ..status import ClaimStatus
from ..system import assets, files
from ..system.process_identity import this_process
from ..telemetry.trace import SILENT, Trace
from ..worktrees.half_made import is_abandoned, recover_task
from ..worktrees.restore import restore_worktree
from ..worktrees.users import begin_use, end_use, users_of

PrintProgress = Callable[[str], None]
_WAIT_SECONDS = 900.0
_POLL_SECONDS = 0.02


class RunContext(NamedTuple):
    """`values` are the run's facts by placeholder name; `stop` is set when the run is to be left resumable."""

    run: KnownRun
    phase: Phase
    roster: tuple[Worker, ...]
    values: Mapping[str, str]
    settings: LeadSettings
    services: Services
    stop: threading.Event
    print_progress: PrintProgress
    commit: str
    """The worktree's commit when the run was first led; empty without git."""
    sandbox: Sandbox
    begun: ReceiptStart = ReceiptStart()
    """The start of the isolation receipt."""
    trace: Trace = SILENT

    @property
    def id(self) -> RunId:
        return self.run.id

    @property
    def files(self) -> RunFiles:
        return self.run.files

    @property
    def folder(self) -> str:
        """Where the workers work."""
        return self.run.folder

    @property
    def quorum(self) -> int:
        return self.settings.rules.quorum

    def workers(self, role: str) -> tuple[Worker, ...]:
        return tuple(worker for worker in self.roster if worker.role == role)

    def requested(self, name: str) -> str:
        """The value of an option that the run's lead has to carry out; empty when it was not given."""
        return asked_of(self.run, name)

    def record_event(self, event: str, **fields: object) -> None:
        events.append(self.files, event, self.services.clock.now(), run_id=str(self.id), **fields)


def open_context(run: KnownRun, services: Services, stop: threading.Event, print_progress: PrintProgress) -> RunContext:
    """The context of a run, from its folder and the settings.

    Raises Unreadable, UsageError (`bad-config`), Missing, Refused (`not-trusted`, `sandbox-missing`).
    """
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(run.id.task_type)
    config = files.read_json(services.home.config) or {}
    project = files.read_json(run.project.config) or {}
    require_trusted(run.project.root, commands_in(project), services)
    places = (services.home.config, run.project.config)
    providers = provider_settings(config, project, project_root=run.project.root, places=places)
    settings = lead_settings(phase, config, project, providers, places=places, quorum=asked_of(run, "quorum"))
    roster, values, commit = roster_of(run), _values(run), commit_at_start(run)
    sandbox = sandbox_of(run.project.root, services)
    return RunContext(run, phase, roster, values, settings, services, stop, print_progress, commit, sandbox)


def _values(run: KnownRun) -> dict[str, str]:
    context = files.read_json(run.files.run_context, CONTEXT_SCHEMA)
    values = context.get("values") if context else None
    if not isinstance(values, dict):
        raise Unreadable("state-unreadable", "the run's context can't be read", where=run.files.run_context)
    return {str(name): str(value) for name, value in values.items()}


def run_command(context: RunContext, argv: Sequence[str], name: str, *, event: str) -> SupervisedResult:
    """Raises Interrupted, WorkFailed."""
    limit = context.settings.hard_limit
    return run_supervised_command(
        context.run, argv, name, context.services, event=event, limit=limit, stop=context.stop
    )


class WorkplaceEntry(NamedTuple):
    """`news` reports what was restored, or is empty; `previous` is the run's entry in the registry before."""

    news: str = ""
    previous: User | None = None


def enter_worktree(run: KnownRun, services: Services) -> WorkplaceEntry:
    """Makes sure that the run's worktree exists, and registers this process as its user.

    Raises Refused (`run-is-led`; `stage-not-held` when the stage is not this run's any more; `branch-in-use`),
    UsageError (`not-found` when its branch is gone as well), WorkFailed, Busy.
    """
    if run.degraded or not run.branch:
        return WorkplaceEntry()
    key = run.id.stage_key or run.id.task
    news, deadline = "", time.monotonic() + _WAIT_SECONDS
    while True:
        with services.registry.transaction() as doc:
            claim = doc.claim_of(key)
            _check_is_ours(run, claim)
            if _is_there(claim, run):
                return WorkplaceEntry(news, _register_use(run, key, doc, services))
        if claim is not None and claim.status is ClaimStatus.PROVISIONING:
            _wait_or_recover(run, claim, services, deadline)
            continue
        try:
            back = restore_worktree(key, load_project(run.project.root, services), services)
        except Refused as refused:
            if refused.code != "worktree-held" or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)  # another command is restoring it, or has just restored it
            continue
        kept = f", with the unsaved files that {back.kept} keeps" if back.kept else ""
        news = f"the worktree {back.path} was gone: it is made again on its branch {back.branch}{kept}"


def leave_worktree(run: KnownRun, entered: WorkplaceEntry, services: Services) -> None:
    """Undoes `enter`: the registry is as it was before."""
    if run.degraded or not run.branch:
        return
    previous, me = entered.previous, this_process()
    with services.registry.transaction() as doc:
        key = run.id.stage_key
        claim = doc.stage(key) if key else None
        if key and claim is not None and claim.owner == me:
            doc.put_stage(key, claim._replace(owner=previous.owner if previous else None))
        elif key is None and previous is not None:
            begin_use(doc, run.id, previous.owner, services)
        elif key is None:
            end_use(doc, run.id, services, completed=False)


def _is_there(claim: TaskClaim | StageClaim | None, run: KnownRun) -> bool:
    """Whether nothing has to be restored."""
    if claim is not None and claim.status is ClaimStatus.PROVISIONING:
        return False
    if run.id.stage is not None and not _is_claimed_by(claim, run):
        return os.path.isdir(run.folder)
    return claim is not None and os.path.isdir(claim.path)


def _is_claimed_by(claim: TaskClaim | StageClaim | None, run: KnownRun) -> bool:
    return isinstance(claim, StageClaim) and claim.run_id == str(run.id)


def _register_use(run: KnownRun, key: TaskKey | StageKey, doc: RegistryDoc, services: Services) -> User | None:
    """Registers this process as the user of the worktree for the run. Returns the previous user."""
    me = this_process()
    claim = doc.claim_of(key)
    if isinstance(claim, StageClaim):
        previous = User(str(run.id), claim.owner)
        if _is_claimed_by(claim, run):
            check_owner(run, claim.owner)
            doc.put(key, claim._replace(owner=me))
        return previous
    if claim is None:
        return None
    users = users_of(run.id.task, claim, services)
    listed = next((user for user in users if user.run_id == str(run.id)), None)
    check_owner(run, listed.owner if listed else None)
    begin_use(doc, run.id, me, services)
    return listed


def _check_is_ours(run: KnownRun, claim: TaskClaim | StageClaim | None) -> None:
    if isinstance(claim, StageClaim) and not _is_claimed_by(claim, run):
        raise Refused(
            "stage-not-held",
            f"{run.id} has lost its stage: {claim.run_id} has claimed it",
            where=claim.path,
            hint=f"go on with that one: {okstra_command('show', claim.run_id)}; its own commits are safe on its branch",
        )


def _wait_or_recover(run: KnownRun, claim: TaskClaim | StageClaim, services: Services, deadline: float) -> None:
    """Waits for another command that makes or removes the worktree; repairs what a dead one left."""
    repository = git.discover(run.project.root) if is_abandoned(claim) else None
    if repository is not None:
        recover_task(run.id.task, services.registry.read(), repository, services)
    elif time.monotonic() > deadline:
        raise Busy("busy", "another command is still making or removing the worktree", where=claim.path)
    else:
        time.sleep(_POLL_SECONDS)
