"""`--lead claude`: a person's own Claude Code session leads the run (spec 5, "Two leads, one contract").

okstra prepares, sets the guard up, names itself as the run's owner, and becomes the client: the process id stays,
so whoever looks finds the lead alive as long as the session is.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from ..edges import fsio, proc, process_identity
from . import guarding, isolation, lead_sessions, leadership
from .agents_environment import agents_environment
from .doors import Doors
from .runs import KnownRun

CLIENT = "claude"
_NAME_LENGTH = 60


class Session(NamedTuple):
    """How the client is started: its program, arguments, environment and folder."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str


def hand_over(run: KnownRun, doors: Doors) -> Session:
    """Makes everything ready for the client to take over. Raises Missing, WorkFailed, Unreadable."""
    isolation.begin(run, doors)
    guarding.set_up(run)
    me = process_identity.this_process()  # which is about to be the client (spec 3, "Recovery")
    leadership.name_lead(run, me, mode=CLIENT)
    leadership.own_claim(run, doors, me)
    session = str(uuid.uuid4())
    lead_sessions.note_session(run, doors, session)
    lead = run.manifest.get("lead")
    model = str(lead.get("model") or "") if isinstance(lead, Mapping) else ""
    prompt = (fsio.read_bytes(run.files.launch_prompt) or b"").decode("utf-8", "replace")
    task = run.project.task(run.id.task).root
    argv = (
        CLIENT,
        prompt,
        *(("--model", model) if model else ()),
        *("--session-id", session, "--name", str(run.id)[:_NAME_LENGTH]),
        *("--permission-mode", "default", "--settings", json.dumps(_settings(run)), "--add-dir", task),
    )
    return Session(argv, _environment(run), run.folder)


def become(session: Session) -> NoReturn:
    """Raises Missing (`dependency-missing`) when the client is not on the PATH."""
    proc.become(session.argv, session.environment, session.folder)


def _settings(run: KnownRun) -> dict[str, object]:
    """The session's own permissions: okstra's commands are allowed, a push is not; the guard is asked before edits."""
    return {
        **guarding.client_settings(run),
        "permissions": {"allow": ["Bash(okstra:*)", "Read"], "deny": ["Bash(git push:*)"]},
    }


def _environment(run: KnownRun) -> dict[str, str]:
    return {
        **agents_environment(),
        "OKSTRA_ROLE": "lead",
        "OKSTRA_RUN_ID": str(run.id),
        **guarding.environment(run, "lead"),
    }
