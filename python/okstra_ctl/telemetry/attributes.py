"""What spans say of runs and workers, by OpenTelemetry's semantic conventions for generative AI.

Names, models, counts and outcomes. A trace may be sent anywhere: no prompt, result, client's message or path is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..names import RunId
from ..settings.roster import Worker
from ..usage.tokens import COUNTS

Attributes = Mapping[str, str | int | float | bool]
_PROVIDERS = {"claude": "anthropic", "codex": "openai", "gemini": "gcp.gemini"}
_OFF = ("", "none")
_DESTINATIONS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def exporters_named(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters that the environment asks for, by OpenTelemetry's own variables; none: telemetry is off.

    `OTEL_METRICS_EXPORTER` and its like are for other programs, or for clients: okstra has traces alone.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if not named and any(environment.get(name) for name in _DESTINATIONS):
        named = "otlp"
    found = (one.strip() for one in named.split(","))
    return tuple(dict.fromkeys(one for one in found if one not in _OFF))


def of_run(run: RunId) -> Attributes:
    stage: Attributes = {} if run.stage is None else {"okstra.stage": run.stage}
    return {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": run.task_type,
        "okstra.run.id": str(run),
        "okstra.task.key": str(run.task),
        "okstra.task.type": run.task_type,
        **stage,
    }


def of_dispatch(worker: Worker, label: str, attempt: int) -> Attributes:
    provider = _PROVIDERS.get(worker.provider, worker.provider)
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": worker.id,
        "gen_ai.provider.name": provider,
        "gen_ai.system": provider,  # the name until 2025, which some services still look for
        "gen_ai.request.model": worker.model,
        "okstra.role": worker.role,
        "okstra.label": label,
        "okstra.attempt": attempt,
    }


def of_ending(ended: Mapping[str, Any]) -> Attributes:
    """`ended`: the row of the run's events. What is not known has no attribute."""
    usage = ended.get("usage") or {}
    counts = {name: usage.get(name) for name in COUNTS}
    known = [count for name, count in counts.items() if name != "output" and count is not None]
    found = {
        "gen_ai.response.model": ended.get("model") or None,
        "gen_ai.usage.input_tokens": sum(known) if known else None,
        "gen_ai.usage.output_tokens": counts["output"],
        "gen_ai.usage.cache_read.input_tokens": counts["cached"],
        "gen_ai.usage.cache_creation.input_tokens": counts["cache_written"],
        "okstra.cost_usd": usage.get("cost_usd"),
        "okstra.outcome": ended.get("outcome"),
        "okstra.state": ended.get("state"),
        "okstra.starts": ended.get("starts"),
    }
    return {name: value for name, value in found.items() if value is not None}


def error_of(ended: Mapping[str, Any]) -> str:
    """The kind of the error that the dispatch ended with, one of okstra's own words; empty: it completed."""
    if ended.get("outcome") == "completed":
        return ""
    failure = str(ended.get("failure") or "none")
    return str(ended.get("outcome")) if failure == "none" else failure
