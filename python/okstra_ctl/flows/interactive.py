"""`--lead claude`: a person's own Claude Code session leads the run (spec 5, "Two leads, one contract").

okstra prepares, sets the guard up, names itself as the run's owner, and becomes the client: the process id stays,
so whoever looks finds the lead alive as long as the session is.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from ..edges import assets, fsio, git, proc, process_identity
from ..edges.locks import LockKind, hold
from ..words.statuses import ClaimStatus
from . import guarding, isolation
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
    _own(run, doors)
    lead = run.manifest.get("lead")
    model = str(lead.get("model") or "") if isinstance(lead, Mapping) else ""
    prompt = (fsio.read_bytes(run.files.launch_prompt) or b"").decode("utf-8", "replace")
    task = run.project.task(run.id.task).root
    argv = (
        CLIENT,
        prompt,
        *(("--model", model) if model else ()),
        *("--session-id", str(uuid.uuid4()), "--name", str(run.id)[:_NAME_LENGTH]),
        *("--permission-mode", "default", "--settings", json.dumps(_settings(run)), "--add-dir", task),
    )
    return Session(argv, _environment(run, doors), _folder(run))


def become(session: Session) -> NoReturn:
    """Raises Missing (`dependency-missing`) when the client is not on the PATH."""
    proc.become(session.argv, session.environment, session.folder)


def _settings(run: KnownRun) -> dict[str, object]:
    """The session's own permissions: okstra's commands are allowed, a push is not; the guard is asked before edits."""
    return {
        **guarding.client_settings(run),
        "permissions": {"allow": ["Bash(okstra:*)", "Read"], "deny": ["Bash(git push:*)"]},
    }


def _environment(run: KnownRun, doors: Doors) -> dict[str, str]:
    kept = git.users_environment()
    kept["PATH"] = os.pathsep.join([os.path.join(assets.root(), "bin"), kept.get("PATH", os.defpath)])
    return {**kept, "OKSTRA_ROLE": "lead", "OKSTRA_RUN_ID": str(run.id), **guarding.environment(run, "lead")}


def _folder(run: KnownRun) -> str:
    return str(run.worktree.get("path") or run.project.root)


def _own(run: KnownRun, doors: Doors) -> None:
    """This process, which is about to be the client, leads the run (spec 3, "Recovery")."""
    me = process_identity.this_process()
    with hold(LockKind.INDEX, f"{run.files.manifest}.lock"):
        manifest = fsio.read_json(run.files.manifest) or {}
        lead = manifest.get("lead")
        lead = {**(lead if isinstance(lead, dict) else {}), "mode": CLIENT, "owner": me.to_json()}
        fsio.replace_json(run.files.manifest, {**manifest, "lead": lead})
    key = run.id.stage_key
    if key is None:
        return
    with doors.registry.transaction() as doc:
        claim = doc.stage(key)
        if claim is not None and claim.run_id == str(run.id) and claim.status is ClaimStatus.ACTIVE:
            doc.put_stage(key, claim._replace(owner=me))
