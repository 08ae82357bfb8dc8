"""Which model a role gets: flag, environment, config.json, table."""

from __future__ import annotations

import sys

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.roster import (
    MODEL_SLOTS,
    PROVIDERS,
    ROLE_PROVIDERS,
    ModelTable,
    ProviderModels,
    environment_name,
    model_table,
    resolve_model,
)
from support.sealed import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TABLE = ModelTable(
    "2026-01-01",
    {
        "claude": ProviderModels("sonnet", ("sonnet", "opus", "haiku")),
        "codex": ProviderModels("gpt", ("gpt", "gpt-mini")),
    },
)
_FLAG, _ENVIRONMENT, _CONFIG = {"claude": "opus"}, {"OKSTRA_DEFAULT_CLAUDE_MODEL": "haiku"}, {"claude": "custom:c"}


def _resolve(slot: str = "claude", **sources: dict[str, str]) -> str:
    given: dict[str, dict[str, str]] = {"flags": {}, "environment": {}, "config": {}, **sources}
    return resolve_model(
        slot, flags=given["flags"], environment=given["environment"], config=given["config"], table=_TABLE
    )


def test_flag_goes_before_environment_before_config_before_table() -> None:
    assert _resolve(flags=_FLAG, environment=_ENVIRONMENT, config=_CONFIG) == "opus"
    assert _resolve(environment=_ENVIRONMENT, config=_CONFIG) == "haiku"
    assert _resolve(config=_CONFIG) == "c"
    assert _resolve() == "sonnet"


def test_an_empty_source_is_passed_over() -> None:
    assert _resolve(flags={"claude": ""}, environment={"OKSTRA_DEFAULT_CLAUDE_MODEL": ""}, config=_CONFIG) == "c"


def test_lead_and_report_writer_fall_back_to_their_provider() -> None:
    assert _resolve("lead", flags=_FLAG) == "opus"
    assert _resolve("report-writer", environment=_ENVIRONMENT) == "haiku"
    assert _resolve("lead", flags={"lead": "haiku", "claude": "opus"}) == "haiku"
    assert _resolve("lead") == "sonnet"


def test_a_slot_takes_no_other_slots_model() -> None:
    assert _resolve("codex", flags=_FLAG, environment=_ENVIRONMENT) == "gpt"


def test_custom_goes_through_unchecked() -> None:
    assert _resolve(flags={"claude": "custom:opus-next[1m]"}) == "opus-next[1m]"


@pytest.mark.parametrize(
    ("sources", "where"),
    [
        ({"flags": {"lead": "opsu"}}, "--lead-model"),
        ({"environment": {"OKSTRA_DEFAULT_LEAD_MODEL": "opsu"}}, "OKSTRA_DEFAULT_LEAD_MODEL"),
        ({"config": {"lead": "opsu"}}, "config.json: models.lead"),
        ({"environment": {"OKSTRA_DEFAULT_CLAUDE_MODEL": "opsu"}}, "OKSTRA_DEFAULT_CLAUDE_MODEL"),
    ],
)
def test_an_unknown_model_lists_the_known_and_names_its_source(sources: dict[str, dict[str, str]], where: str) -> None:
    with pytest.raises(UsageError) as refused:
        _resolve("lead", **sources)
    error = refused.value
    assert (error.code, error.where) == ("unknown-model", where)
    assert "opsu" in error.message
    assert "sonnet, opus, haiku" in error.hint and "custom:opsu" in error.hint


@pytest.mark.parametrize("model", ["custom:", "gpt"])
def test_neither_nothing_nor_another_providers_model_will_do(model: str) -> None:
    with pytest.raises(UsageError, match="claude has no model"):
        _resolve(flags={"claude": model})


def test_environment_names() -> None:
    assert environment_name("report-writer") == "OKSTRA_DEFAULT_REPORT_WRITER_MODEL"
    assert environment_name("gemini") == "OKSTRA_DEFAULT_GEMINI_MODEL"


def test_the_real_table_knows_every_provider_and_its_own_defaults() -> None:
    table = model_table(tomllib.loads((ROOT / "prompts" / "models.toml").read_text(encoding="utf-8")))
    assert set(table.providers) == set(PROVIDERS)
    assert all(models.default in models.known for models in table.providers.values())
    assert len(table.dated) == len("2026-01-01")
    assert all(ROLE_PROVIDERS.get(slot, slot) in table.providers for slot in MODEL_SLOTS)


def test_a_damaged_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"claude\.known"):
        model_table({"claude": {"default": "sonnet", "known": "sonnet"}})
