"""Who leads a run: recorded in its manifest, in the claim or worktree that it uses, and in the index
(docs/how-to/recover.md).

An agent's session that leads (`--lead claude`) is recorded by its id, with what it has used so far.

A worker leads nothing, and may not change okstra's state: every command that would is refused. It is recognised by
marks in its environment, and by the supervisor among its parent processes: removing the marks does not help. A worker
may try okstra out in a home of its own, but not on the projects of the home that it works for. A process that is no
descendant of the supervisor (a service that ran before) is not recognised (docs/design/threats.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .agents.environment import RUN_VARIABLE, homes_named
from .claims.registry import Registry
from .errors import Refused, Unreadable
from .home_paths import HomePaths
from .index.run_index import IndexRow, try_append
from .names import Owner
from .paths import RunFiles
from .quoting import okstra_command
from .runs.events import append, events_of
from .runs.find import KnownRun
from .services import Services
from .status import ClaimStatus, Liveness, RunOutcome
from .system import assets, files
from .system.locks import LockKind, locked
from .system.process_identity import ancestors, is_this_process_or_above, liveness, owner_of
from .usage.prices import Price, built_in_prices, usage_json
from .usage.tokens import LEAD, SESSION
from .worktrees.users import begin_use, end_use

if TYPE_CHECKING:
    from .agents.usage import Counted

Lead = dict[str, Any]
BY_OKSTRA = "auto"
"""The `mode` of a lead that is okstra itself; otherwise an agent's session leads the run."""
Change = Callable[[dict[str, Any], Lead], dict[str, Any]]
CLIENT = "claude"
_SESSION_VARIABLE = "CLAUDE_CODE_SESSION_ID"


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
        manifest = files.read_json(run.files.manifest) or {}
        lead = manifest.get("lead")
        files.replace_json(run.files.manifest, change(manifest, dict(lead) if isinstance(lead, dict) else {}))


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
    if owner == owner_of(os.getpid()) or (not led_by_okstra(run) and is_this_process_or_above(owner)):
        return
    raise Refused(
        "run-is-led",
        f"{run.id} is led by process {owner.pid} on {owner.host}",
        where=run.files.manifest,
        hint=f"wait for it ({okstra_command('wait', run.id)}), or stop that process and go on then",
    )


def led_by_okstra(run: KnownRun) -> bool:
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


def all_prices(own: Mapping[str, Price]) -> dict[str, Price]:
    """okstra's list with a person's own prices over it. Raises Missing (`assets-missing`)."""
    return {**built_in_prices(assets.toml("prompts", "models.toml")), **own}


def note_session(run: KnownRun, services: Services, session: str) -> None:
    """Records the leading session, once; an empty id means that there is one whose id is unknown."""
    known = sessions_of(events_of(run.files))
    if session not in known and (session or not known):
        append(run.files, "session", services.clock.now(), run_id=str(run.id), session=session)


def session_around(services: Services) -> str:
    """The id of the Claude Code session that okstra was called from; empty without one."""
    return services.environment.get(_SESSION_VARIABLE, "")


def sessions_of(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(row.get("session") or "") for row in events if row.get("event") == "session"))


def count_sessions(
    run: KnownRun, services: Services, events: Sequence[Mapping[str, Any]], prices: Mapping[str, Price]
) -> list[dict[str, Any]]:
    """What the leading sessions have used since the run was prepared: the lead's own part, and the parts of workers
    that it started as agents of its own. What can't be read any more is reported as unknown, by a null usage."""
    from .agents import transcripts, usage  # sessions are counted once a run

    rows: list[dict[str, Any]] = []
    since = str(run.manifest.get("prepared_at") or "")
    workers = _workers(run)
    home = transcripts.claude_home(services.environment)
    for session in sessions_of(events):
        counted = usage.claude_session(home, session, since, lambda text: _worker_in(text, run.files, workers))
        for part, sums in sorted((counted or {"": usage.Counted((), False)}).items()):
            rows.append(_row(part or LEAD, session, sums, prices))
    return rows


def _row(worker: str, session: str, sums: Counted, prices: Mapping[str, Price]) -> dict[str, Any]:
    names = [share.model for share in sums.models]
    return {
        "worker": worker,
        "session": session,
        "model": names[0] if len(names) == 1 else None,
        "usage": usage_json(sums.models, source=SESSION, asked="", prices=prices, whole=sums.whole)
        if sums.models
        else None,
    }


def _worker_in(text: str, paths: RunFiles, workers: Sequence[str]) -> str:
    """The worker whose prompt the text names; empty for none. Longer names first: one may be a prefix of another."""
    for worker in sorted(workers, key=len, reverse=True):
        start = os.path.join(paths.folder("prompts"), f"{worker}-")
        at = text.find(start)
        if at >= 0 and f"-{paths.task_type}-{paths.seq}.md" in text[at:].split("\n", 1)[0]:
            return worker
    return ""


def _workers(run: KnownRun) -> list[str]:
    rows = run.manifest.get("roster")
    return [str(row.get("id")) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
