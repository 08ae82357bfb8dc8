"""What this home's runs saw of the windows of each provider: the newest report of a client's counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..errors import OkstraError
from ..runs.events import events_of
from ..runs.find import known_run
from ..services import Services
from ..status import WorkerOutcome
from ..usage.windows import REJECTED, Seen, Window
from .listing import run_rows

_MOST_RUNS = 40


def seen_in_runs(providers: Collection[str], services: Services) -> dict[str, Seen]:
    """By provider, of those that are asked about; one of which no run reported anything is left out."""
    found: dict[str, Seen] = {}
    for row in list(reversed(run_rows(services)))[:_MOST_RUNS]:
        wanted = [name for name in providers if name not in found]
        run = known_run(row.run_id, row.project_root) if wanted else None
        if run is None:
            continue
        roster = run.manifest.get("roster")
        workers = [one for one in roster if isinstance(one, Mapping)] if isinstance(roster, list) else []
        names = {str(one.get("id")): str(one.get("provider")) for one in workers}
        try:
            events = events_of(run.files)
        except OkstraError:
            continue
        for event in reversed(events):
            provider = names.get(str(event.get("worker")), "")
            windows = _windows_in(event)
            if windows and provider in wanted and provider not in found:
                found[provider] = Seen(windows, str(event.get("at") or ""), row.run_id)
    return found


def _windows_in(event: Mapping[str, Any]) -> tuple[Window, ...]:
    if event.get("event") != "ended" or not event.get("starts"):
        return ()
    given = event.get("windows")
    windows = [one for row in given if (one := Window.from_json(row))] if isinstance(given, list) else []
    until = str(event.get("again_at") or "")
    if event.get("outcome") == WorkerOutcome.QUOTA and until and not any(one.status == REJECTED for one in windows):
        windows.append(Window("limit", REJECTED, None, until))
    return tuple(windows)
