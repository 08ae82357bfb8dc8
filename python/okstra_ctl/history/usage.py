"""What runs have spent, from their events: one run, a task's runs, or all runs since a time (`okstra usage`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..leadership import CLIENT, all_prices, count_sessions, sessions_of
from ..names import REHEARSAL
from ..runs.events import Events, events_of
from ..runs.find import KnownRun, known_run
from ..services import Services
from ..system import files
from ..usage.prices import Price, own_prices, repriced
from ..usage.tokens import LEAD, NOTHING, Spent, spent_of, total, usage_of
from .listing import run_rows


class WorkerUsage(NamedTuple):
    """`models` are those that answered, as far as that is known; `asked` is the one that was asked for."""

    worker: str
    role: str
    provider: str
    asked: str
    models: tuple[str, ...]
    spent: Spent

    @property
    def rehearsal(self) -> bool:
        """Whether it is a stand-in that plays a script: what it counts is no model's, and its money is nobody's."""
        return self.provider == REHEARSAL

    @property
    def real(self) -> Spent:
        return NOTHING if self.rehearsal else self.spent


class RunUsage(NamedTuple):
    """`models` are sums by the name of the model, empty for what no model is known of."""

    run_id: str
    task_key: str
    workers: tuple[WorkerUsage, ...]
    models: tuple[tuple[str, Spent], ...]

    @property
    def rehearsal(self) -> bool:
        return bool(self.workers) and all(worker.rehearsal for worker in self.workers)

    @property
    def total(self) -> Spent:
        return total(worker.real for worker in self.workers)


def prices_now(services: Services) -> dict[str, Price]:
    """okstra's list, with those of `config.json` over it. Raises UsageError (`bad-config`), Unreadable, Missing."""
    return all_prices(own_prices(files.read_json(services.home.config) or {}, where=services.home.config))


def usage_of_run(run: KnownRun, services: Services, prices: Mapping[str, Price]) -> RunUsage:
    """A leading session is counted as it is now, until the run's end has recorded it. Raises Unreadable."""
    events: list[Mapping[str, Any]] = list(events_of(run.files))
    if not _is_recorded(run, events):
        events += [{"event": "counted", **row} for row in count_sessions(run, services, events, prices)]
    return usage_from_events(run, events, prices)


def usage_so_far(run: KnownRun, events: Events, prices: Mapping[str, Price]) -> RunUsage:
    """From its events so far, without reading agents' sessions: what those spent is unknown until it is recorded."""
    counted = {str(row.get("session")) for row in events if row.get("event") == "counted"}
    unknown = [
        {"event": "counted", "worker": LEAD, "session": session, "usage": None}
        for session in sessions_of(events)
        if session not in counted
    ]
    return usage_from_events(run, [*events, *unknown], prices)


def usage_from_events(run: KnownRun, events: Events, prices: Mapping[str, Price]) -> RunUsage:
    """What the events record, at the present prices."""
    roster = _roster(run)
    now = [
        {**row, "usage": repriced(row["usage"], _asked(roster, row), prices)} if "usage" in row else row
        for row in events
    ]
    usage = usage_of(now) or {"workers": [], "models": []}
    workers = tuple(_worker(row, roster) for row in usage["workers"])
    models = tuple(
        (row["model"], spent_of(row)._replace(usd=0.0, usd_whole=True) if row["model"] == REHEARSAL else spent_of(row))
        for row in usage["models"]
    )
    return RunUsage(str(run.id), str(run.id.task), workers, models)


def runs_since(
    services: Services, oldest: str, *, project: str = "", task_key: str = ""
) -> tuple[list[KnownRun], list[str]]:
    """The runs with an event since then, oldest first; and those whose manifest can't be read."""
    found: list[KnownRun] = []
    unread: list[str] = []
    for row in run_rows(services, oldest):
        if row.at >= oldest and row.is_of(project, task_key):
            run = known_run(row.run_id, row.project_root)
            if run is None:
                unread.append(row.run_id)
            else:
                found.append(run)
    return found, unread


def by_task(runs: Iterable[RunUsage]) -> dict[str, list[RunUsage]]:
    tasks: dict[str, list[RunUsage]] = {}
    for run in runs:
        tasks.setdefault(run.task_key, []).append(run)
    return tasks


def by_model(runs: Iterable[RunUsage]) -> list[tuple[str, Spent]]:
    """Sums by model; usage without a known model comes last."""
    sums: dict[str, Spent] = {}
    for run in runs:
        for model, spent in run.models:
            sums[model] = sums.get(model, NOTHING).plus(spent)
    return sorted(sums.items(), key=lambda one: (not one[0], one[0]))


def _is_recorded(run: KnownRun, events: Events) -> bool:
    """Whether the run has ended and recorded what each leading session spent."""
    counted = {row.get("session") for row in events if row.get("event") == "counted"}
    return bool(run.manifest.get("ended_at")) and set(sessions_of(events)) <= counted


def _roster(run: KnownRun) -> dict[str, Mapping[str, Any]]:
    rows, lead = run.manifest.get("roster"), run.manifest.get("lead")
    model = lead.get("model") if isinstance(lead, Mapping) else ""
    known: dict[str, Mapping[str, Any]] = {LEAD: {"role": LEAD, "provider": CLIENT, "model": model}}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping):
            known[str(row.get("id"))] = row
    return known


def _asked(roster: Mapping[str, Mapping[str, Any]], row: Mapping[str, Any]) -> str:
    return str(roster.get(str(row.get("worker")), {}).get("model") or "")


def _worker(row: Mapping[str, Any], roster: Mapping[str, Mapping[str, Any]]) -> WorkerUsage:
    facts, spent = roster.get(row["worker"], {}), spent_of(row)
    provider = str(facts.get("provider") or "")
    return WorkerUsage(
        row["worker"],
        str(facts.get("role") or ""),
        provider,
        str(facts.get("model") or ""),
        tuple(row["models"]),
        spent._replace(usd=0.0, usd_whole=True) if provider == REHEARSAL else spent,
    )
