"""What one dispatch has spent: by the client's stream, else by the file that the client keeps of its session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..agents import transcripts
from ..agents.job import Report, Usage
from ..agents.usage import Counted, claude_session, codex_thread
from ..outcomes import WorkerOutcome
from ..runs.lead_sessions import all_prices
from ..settings.roster import Worker
from ..usage.prices import usage_json
from ..usage.tokens import SESSION, STREAM, ModelTokens, Tokens
from .context import Scene


class Dispatched(NamedTuple):
    """The `usage` for the run's events, null when nothing is known; and the model that answered, if it is known."""

    usage: dict[str, Any] | None
    model: str | None


def spent_by(scene: Scene, worker: Worker, report: Report) -> Dispatched:
    """Starts before the last one left no count: with them it is at least what it is. Raises Missing."""
    heard, prices = report.heard, all_prices(scene.settings.prices)
    told: dict[str, Any] = {"asked": worker.model, "prices": prices}
    once = report.attempts <= 1
    if report.outcome is WorkerOutcome.NOT_RUN:
        return Dispatched(usage_json((), source=STREAM, whole=once, **told), heard.model)
    counted = _from_files(worker.provider, heard.session, heard.usage, scene.doors.environment)
    if counted is not None:
        names = [share.model for share in counted.models]
        model = heard.model or (names[0] if len(names) == 1 else None)
        whole = once and counted.whole and heard.ended
        return Dispatched(usage_json(counted.models, source=SESSION, whole=whole, **told), model or None)
    if heard.usage is None:
        return Dispatched(None, heard.model)
    shares = heard.usage.models or (ModelTokens(heard.model or "", _tokens(heard.usage), heard.usage.cost_usd),)
    usage = usage_json(shares, source=STREAM, cost=heard.usage.cost_usd, whole=once, **told)
    return Dispatched(usage, heard.model)


def _from_files(provider: str, session: str, usage: Usage | None, environment: Mapping[str, str]) -> Counted | None:
    """The client's own file, where it tells more than the stream: codex keeps its model and its sub-agents to itself,
    and claude says nothing when it is killed."""
    if not session:
        return None
    if provider == "claude" and usage is None:
        parts = claude_session(transcripts.claude_home(environment), session, "", lambda text: "")
        counted = (parts or {}).get("")
    elif provider == "codex":
        counted = codex_thread(transcripts.codex_home(environment), session)
        if counted is not None and usage is not None and _all(counted) < sum(_tokens(usage)):
            return None  # it is torn, and tells less
    else:
        return None
    return counted if counted is not None and counted.models else None


def _tokens(usage: Usage) -> Tokens:
    return Tokens(usage.input, usage.cached, usage.cache_written, usage.output)


def _all(counted: Counted) -> int:
    return sum(sum(share.tokens) for share in counted.models)
