"""A run that is being led: what every step needs to know, how events are recorded, how commands are run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..agents.providers import provider_settings
from ..agents.supervised_process import TIMED_OUT, SupervisedResult
from ..errors import Unreadable
from ..guard.receipt import ReceiptStart
from ..names import RunId
from ..paths import RunFiles
from ..runs import events
from ..runs.commands import CHECK_STARTED, in_shell, run_supervised_command
from ..runs.containment import sandbox_of
from ..runs.find import KnownRun, commit_at_start, roster_of
from ..runs.manifest import CONTEXT_SCHEMA
from ..sandbox.choice import Sandbox
from ..services import Services
from ..settings.phases import LeadSettings, Phase, lead_settings, phase_table
from ..settings.roster import Worker
from ..settings.trust import commands_in, require_trusted
from ..system import assets
from ..system import files as fsio

PrintProgress = Callable[[str], None]


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
        asked = self.run.manifest.get("requested")
        return str(asked.get(name) or "") if isinstance(asked, Mapping) else ""

    def record_event(self, event: str, **fields: object) -> None:
        events.append(self.files, event, self.services.clock.now(), run_id=str(self.id), **fields)


def open_context(run: KnownRun, services: Services, stop: threading.Event, print_progress: PrintProgress) -> RunContext:
    """The context of a run, from its folder and the settings.

    Raises Unreadable, UsageError (`bad-config`), Missing, Refused (`not-trusted`, `sandbox-missing`).
    """
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(run.id.task_type)
    config = fsio.read_json(services.home.config) or {}
    project = fsio.read_json(run.project.config) or {}
    require_trusted(run.project.root, commands_in(project), services)
    places = (services.home.config, run.project.config)
    providers = provider_settings(config, project, project_root=run.project.root, places=places)
    settings = lead_settings(phase, config, project, providers, places=places)
    roster, values, commit = roster_of(run), _values(run), commit_at_start(run)
    sandbox = sandbox_of(run.project.root, services)
    return RunContext(run, phase, roster, values, settings, services, stop, print_progress, commit, sandbox)


def _values(run: KnownRun) -> dict[str, str]:
    context = fsio.read_json(run.files.run_context, CONTEXT_SCHEMA)
    values = context.get("values") if context else None
    if not isinstance(values, dict):
        raise Unreadable("state-unreadable", "the run's context can't be read", where=run.files.run_context)
    return {str(name): str(value) for name, value in values.items()}


def run_check(context: RunContext, command: str, name: str) -> int:
    """Runs a shell command of the project, its output in the log of that name. Returns the exit status.

    Raises Interrupted, WorkFailed.
    """
    limit, stop = context.settings.hard_limit, context.stop
    status = run_supervised_command(
        context.run,
        in_shell(command),
        name,
        context.services,
        event=CHECK_STARTED,
        limit=limit,
        stop=stop,
        sandbox=context.sandbox,
    ).status
    late = f" (stopped after {context.settings.hard_limit:.0f} s)" if status == TIMED_OUT else ""
    context.print_progress(f"check `{command}`: exit {status}{late}")
    return status


def run_command(context: RunContext, argv: Sequence[str], name: str, *, event: str) -> SupervisedResult:
    """Raises Interrupted, WorkFailed."""
    limit = context.settings.hard_limit
    return run_supervised_command(
        context.run, argv, name, context.services, event=event, limit=limit, stop=context.stop
    )
