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
    events = events_of(context.files)
    seen, names = observed_families(events), _observed_models(events)
    settings = context.settings.providers
    return voices(
        {
            one.id: speaker(one.id, one.provider, one.model, seen.get(one.id, ""), settings, seen=names.get(one.id, ""))
            for one in workers
        }
    )


def observed_families(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By worker, the family of the model that gave its newest answer; left out where nothing tells, or where models of
    several families did and none is known to have answered in the end."""
    return {
        worker: found.pop() if len(found) == 1 else ""
        for worker, names in _newest_models(events).items()
        if (found := {family_of(name) for name in names})
    }


def _observed_models(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By worker, the model that gave its newest answer, where it was one alone."""
    return {worker: names[0] for worker, names in _newest_models(events).items() if len(set(names)) == 1}


def _newest_models(events: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By worker, the models that its newest answer names; of an answer that names none, an earlier one's."""
    found: dict[str, list[str]] = {}
    for row in events:
        answered = row.get("event") == "ended" and row.get("outcome") == WorkerOutcome.COMPLETED
        if (answered or row.get("event") == "counted") and (names := _models_in(row)):
            found[str(row.get("worker"))] = names
    return found


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
