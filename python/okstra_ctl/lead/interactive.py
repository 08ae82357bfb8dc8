"""`--lead claude`: a person's own Claude Code session leads the run (docs/design/leading.md).

okstra sets the guard up, records itself as the run's owner, and replaces itself with the client by `exec`: the process
id stays the same, so the lead counts as alive as long as the session runs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from .. import leadership
from ..agents.claude import rule_path
from ..agents.environment import agents_environment
from ..guard import hooks, receipt
from ..leadership import CLIENT, note_session
from ..names import Owner
from ..runs.find import KnownRun
from ..seals import store as seals
from ..services import Services
from ..system import files, processes
from ..system.process_identity import this_process
from ..system.text import dumps
from ..worktrees.ports import variables_of

_NAME_LENGTH = 60
_COMMANDS = ("okstra", "okstra-codex-exec.sh", "okstra-gemini-exec.sh")


class Session(NamedTuple):
    """How the client is started: program, arguments, environment and folder; `warnings` are for the person."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    warnings: tuple[str, ...] = ()


def hand_over(run: KnownRun, services: Services) -> Session:
    """Prepares everything for the client to take over. Raises Missing, WorkFailed, Unreadable."""
    receipt.begin(run, services)
    hooks.set_up(run, services)
    me = this_process()  # which is about to be the client (docs/how-to/recover.md)
    warning = _take(run, services, me)
    session = str(uuid.uuid4())
    note_session(run, services, session)
    lead = run.manifest.get("lead")
    model = str(lead.get("model") or "") if isinstance(lead, Mapping) else ""
    prompt = (files.read_bytes(run.files.launch_prompt) or b"").decode("utf-8", "replace")
    task = run.project.task(run.id.task).root
    argv = (
        CLIENT,
        prompt,
        *(("--model", model) if model else ()),
        *("--session-id", session, "--name", str(run.id)[:_NAME_LENGTH]),
        *("--permission-mode", "default", "--settings", dumps(_settings(run)), "--add-dir", task),
    )
    return Session(argv, _environment(run, services), run.folder, (warning,) if warning else ())


def _take(run: KnownRun, services: Services, me: Owner) -> str:
    """Records the future client as the run's lead, in manifest, claim and index. Returns a warning if the index could
    not be written."""
    now = services.clock.now()

    def begun(manifest: dict[str, Any], lead: leadership.Lead) -> dict[str, Any]:
        lead.update(mode=CLIENT, owner=me.to_json())
        return {**manifest, "lead": lead, "started_at": manifest.get("started_at") or now}

    seals.reopen(run, services)
    leadership.change_lead(run, begun)
    leadership.own_claim(run, services, me)
    return leadership.index_started(run, services, me)


def become(session: Session) -> NoReturn:
    """Replaces this process. Raises Missing (`dependency-missing`) when the client is not on the PATH."""
    processes.become(session.argv, session.environment, session.folder)


def _settings(run: KnownRun) -> dict[str, object]:
    """The session's permissions, so that the person is not asked about what the run needs: okstra's commands and the
    agents' results are allowed, a push is not; the guard decides about edits."""
    paths = (*hooks.writable_by_lead(run), *hooks.writable(run))
    results = [f"Edit({rule_path(path)}{'' if path == run.files.report_data else '/**'})" for path in paths]
    commands = [f"Bash({name}:*)" for name in _COMMANDS]
    return {
        **hooks.client_settings(run),
        "permissions": {"allow": [*commands, "Read", *results], "deny": ["Bash(git push:*)"]},
    }


def _environment(run: KnownRun, services: Services) -> dict[str, str]:
    place = run.id.stage_key or run.id.task
    ports = {} if run.degraded else variables_of(place, run.project.root, services)
    return {
        **agents_environment(),
        "OKSTRA_ROLE": hooks.LEAD,
        "OKSTRA_RUN_ID": str(run.id),
        **hooks.environment(run, hooks.LEAD),
        **ports,
    }
