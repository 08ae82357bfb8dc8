"""The agent sessions that lead a run (`--lead claude`): their ids, and what they have used so far."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..agents import transcripts
from ..agents.usage import Counted, claude_session
from ..paths import RunFiles
from ..services import Services
from ..system import assets
from ..usage.prices import Price, built_in_prices, usage_json
from ..usage.tokens import LEAD, SESSION
from .events import append, events_of
from .find import KnownRun

CLIENT = "claude"

_SESSION_VARIABLE = "CLAUDE_CODE_SESSION_ID"


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
    rows: list[dict[str, Any]] = []
    since = str(run.manifest.get("prepared_at") or "")
    workers = _workers(run)
    home = transcripts.claude_home(services.environment)
    for session in sessions_of(events):
        counted = claude_session(home, session, since, lambda text: _worker_in(text, run.files, workers))
        for part, sums in sorted((counted or {"": Counted((), False)}).items()):
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


def _worker_in(text: str, files: RunFiles, workers: Sequence[str]) -> str:
    """The worker whose prompt the text names; empty for none. Longer names first: one may be a prefix of another."""
    for worker in sorted(workers, key=len, reverse=True):
        start = os.path.join(files.folder("prompts"), f"{worker}-")
        at = text.find(start)
        if at >= 0 and f"-{files.task_type}-{files.seq}.md" in text[at:].split("\n", 1)[0]:
            return worker
    return ""


def _workers(run: KnownRun) -> list[str]:
    rows = run.manifest.get("roster")
    return [str(row.get("id")) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
