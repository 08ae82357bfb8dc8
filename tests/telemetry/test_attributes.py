"""What is asked for by the environment, and what spans say."""

from __future__ import annotations

import pytest

from okstra_ctl.names import RunId
from okstra_ctl.settings.roster import Worker
from okstra_ctl.telemetry.attributes import error_of, exporters_named, of_dispatch, of_ending, of_run

_ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "exporters"),
    [
        ({}, ()),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, ()),
        ({"OTEL_SERVICE_NAME": "mine"}, ()),
        (_ENDPOINT, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ("console", "otlp")),
        ({**_ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, ()),
        ({**_ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, ()),
        ({**_ENDPOINT, "OTEL_SDK_DISABLED": "false"}, ("otlp",)),
    ],
)
def test_traces_are_exported_only_where_the_environment_names_a_place(
    environment: dict[str, str], exporters: tuple[str, ...]
) -> None:
    assert exporters_named(environment) == exporters


def test_a_run_says_which_it_is() -> None:
    found = of_run(RunId.parse("demo:core:T-1/implementation/stage-2/001"))
    assert found["okstra.run.id"] == "demo:core:T-1/implementation/stage-2/001"
    assert (found["okstra.task.key"], found["okstra.stage"]) == ("demo:core:T-1", 2)


@pytest.mark.parametrize(
    ("provider", "name"), [("claude", "anthropic"), ("codex", "openai"), ("gemini", "gcp.gemini"), ("mine", "mine")]
)
def test_a_dispatch_names_the_provider_as_the_conventions_do(provider: str, name: str) -> None:
    found = of_dispatch(Worker("claude-a", "analyst", provider, "opus"), "round-1", 2)
    assert (found["gen_ai.provider.name"], found["gen_ai.system"]) == (name, name)
    assert (found["gen_ai.request.model"], found["gen_ai.agent.name"]) == ("opus", "claude-a")


def test_input_tokens_include_those_of_the_cache() -> None:
    usage = {"input": 10, "cached": 200, "cache_written": 3000, "output": 40, "cost_usd": 0.5}
    found = of_ending({"usage": usage, "model": "m-1", "outcome": "completed"})
    assert found["gen_ai.usage.input_tokens"] == 3210
    assert (found["gen_ai.usage.output_tokens"], found["gen_ai.usage.cache_read.input_tokens"]) == (40, 200)
    assert (found["gen_ai.response.model"], found["okstra.cost_usd"]) == ("m-1", 0.5)


def test_what_is_unknown_is_left_out() -> None:
    assert of_ending({"usage": None, "model": None, "outcome": "error"}) == {"okstra.outcome": "error"}


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        ({"outcome": "completed", "failure": "none"}, ""),
        ({"outcome": "invalid-result", "failure": "none"}, "invalid-result"),
        ({"outcome": "error", "failure": "rate-limit", "message": "key sk-1 is out"}, "rate-limit"),
    ],
)
def test_an_error_is_one_of_our_words_and_never_the_clients(ended: dict[str, str], error: str) -> None:
    assert error_of(ended) == error
