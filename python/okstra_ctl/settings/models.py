"""Which model a role gets: flag, then environment, then config.json, then `prompts/models.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import UsageError

CUSTOM_PREFIX = "custom:"
ROLE_PROVIDERS = {"lead": "claude", "report-writer": "claude"}
MODEL_SLOTS = ("lead", "claude", "codex", "gemini", "report-writer")


class ProviderModels(NamedTuple):
    default: str
    known: tuple[str, ...]


class ModelTable(NamedTuple):
    """Providers by name. `dated` says when the list was last true."""

    dated: str
    providers: Mapping[str, ProviderModels]


def model_table(document: Mapping[str, object]) -> ModelTable:
    """Builds the table from parsed TOML. Raises ValueError on another shape: a damaged installation."""
    providers = {}
    for name, fields in document.items():
        if isinstance(fields, Mapping):
            known = fields.get("known")
            if not isinstance(known, list):
                raise ValueError(f"{name}.known is not a list")
            providers[name] = ProviderModels(str(fields.get("default", "")), tuple(str(model) for model in known))
    return ModelTable(str(document.get("dated", "")), providers)


def known_by_slot(table: ModelTable) -> dict[str, tuple[str, ...]]:
    """The models that each slot is known to take."""
    return {slot: table.providers[ROLE_PROVIDERS.get(slot, slot)].known for slot in MODEL_SLOTS}


def is_custom(model: str) -> bool:
    """Whether the model is passed on as it is, known or not."""
    return model.startswith(CUSTOM_PREFIX) and len(model) > len(CUSTOM_PREFIX)


def environment_name(slot: str) -> str:
    """`report-writer` → `OKSTRA_DEFAULT_REPORT_WRITER_MODEL`."""
    return f"OKSTRA_DEFAULT_{slot.upper().replace('-', '_')}_MODEL"


def resolve_model(
    slot: str,
    *,
    flags: Mapping[str, str],
    environment: Mapping[str, str],
    config: Mapping[str, str],
    table: ModelTable,
) -> str:
    """The model id of a slot (MODEL_SLOTS), without `custom:`.

    Raises UsageError (`unknown-model`) that lists what is known and says where the wrong value came from.
    """
    provider = ROLE_PROVIDERS.get(slot, slot)
    sources = (
        (f"--{slot}-model", flags.get(slot, "")),
        (environment_name(slot), environment.get(environment_name(slot), "")),
        (f"config.json: models.{slot}", config.get(slot, "")),
    )
    for source, model in sources:
        if model:
            return _known(model, provider, source, table)
    if slot in ROLE_PROVIDERS:
        return resolve_model(provider, flags=flags, environment=environment, config=config, table=table)
    return table.providers[provider].default


def _known(model: str, provider: str, source: str, table: ModelTable) -> str:
    if is_custom(model):
        return model[len(CUSTOM_PREFIX) :]
    known = table.providers[provider].known
    if model in known:
        return model
    raise UsageError(
        "unknown-model",
        f"{provider} has no model {model!r} that okstra knows (list of {table.dated})",
        where=source,
        hint=f"one of {', '.join(known)}; or custom:{model} to pass it on as it is",
    )
