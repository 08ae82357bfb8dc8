"""Whose voices answered in a run, by what its records say of the models; and what the report says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..agents.providers import speaker
from ..names import REHEARSAL
from ..results.voices import family_of, voices, worth
from ..runs.events import events_of
from ..settings.roster import JUDGES, Worker
from ..status import WorkerOutcome
from .context import RunContext


def voices_of(context: RunContext, workers: Iterable[Worker]) -> dict[str, str]:
    """By worker, its voice: by the model that was observed answering, never by the one that was asked for."""
    seen = observed_families(events_of(context.files))
    settings = context.settings.providers
    return voices({one.id: speaker(one.id, one.provider, one.model, seen.get(one.id, ""), settings) for one in workers})


def observed_families(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By worker, the family of the model that gave its newest answer; left out where nothing tells, or where models of
    several families did and none is known to have answered in the end."""
    families: dict[str, str] = {}
    for row in events:
        if row.get("event") == "counted" or (
            row.get("event") == "ended" and row.get("outcome") == WorkerOutcome.COMPLETED
        ):
            found = {family_of(name) for name in _models_in(row)}
            if found:
                families[str(row.get("worker"))] = found.pop() if len(found) == 1 else ""
    return families


def _models_in(row: Mapping[str, Any]) -> list[str]:
    if row.get("model"):
        return [str(row["model"])]
    usage = row.get("usage")
    shares = usage.get("models") if isinstance(usage, Mapping) else None
    return [str(one["model"]) for one in shares or () if isinstance(one, Mapping) and one.get("model")]


def voices_json(context: RunContext, execution: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The report's `voices`: the families that judged, and how many independent voices they are worth; null where a
    script played them. None where the phase has no judges. `execution` is the report's."""
    workers = {worker.id: worker for worker in context.roster}
    judges = [row for row in execution if row["role"] in JUDGES]
    if not judges:
        return None
    answered = [row["worker"] for row in judges if row["outcome"] == WorkerOutcome.COMPLETED]
    authors = [worker.id for worker in context.workers("executor")]
    found = voices_of(context, (workers[name] for name in (*answered, *authors)))
    heard = [found[name] for name in answered]
    played = any(workers[name].provider == REHEARSAL for name in answered)
    return {
        "quorum": context.quorum,
        "families": [
            {"family": family, "workers": [name for name in answered if found[name] == family]}
            for family in dict.fromkeys(heard)
        ],
        "executor": next((found[name] for name in authors), ""),
        "independent": None if played else round(worth(heard), 1),
    }
