"""Who works in a run: worker ids, roles, providers (docs/design/leading.md); and which model each gets: flag, then
environment, then config.json, then `prompts/models.toml`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..errors import UsageError
from ..names import ACP, REHEARSAL
from ..status import Access
from .phases import Phase

PROVIDERS = ("claude", "codex", "gemini", REHEARSAL)


# Clients whose read-only sandbox lets them write no file: their closing message is their result.
_CLOSED_READERS = ("codex", "gemini")
JUDGES = ("analyst", "verifier")
_ACCESS = {"executor": Access.EDIT, "verifier": Access.TEST}
CUSTOM_PREFIX = "custom:"
ROLE_PROVIDERS = {"lead": "claude", "report-writer": "claude"}
MODEL_SLOTS = ("lead", "claude", "codex", "gemini", "report-writer")


def access_of(role: str) -> Access:
    """What a role may touch (docs/design/leading.md)."""
    return _ACCESS.get(role, Access.READ)


def delivers_by_message(provider: str, access: Access) -> bool:
    """Whether a worker's closing message is its result, because its client can write no file."""
    return provider.startswith(ACP) or (provider in _CLOSED_READERS and access is Access.READ)


def worker_name(provider: str) -> str:
    """The provider's name where it names files: without the colon of an agent's."""
    return provider.replace(":", "-")


class Worker(NamedTuple):
    """`id` names the worker's files: `<id>-prompt-…`, `<id>-worker-…`."""

    id: str
    role: str
    provider: str
    model: str


class RosterOptions(NamedTuple):
    """The command line's options; empty means the phase's default. `configured` are the user's own providers."""

    workers: tuple[str, ...] = ()
    executor: str = ""
    critic: str = ""
    provider: str = ""
    configured: tuple[str, ...] = ()
    report_writer: str = ""


def roster(phase: Phase, options: RosterOptions, model_of: Callable[[str], str]) -> tuple[Worker, ...]:
    """The run's workers. `model_of` returns the model of a slot (a provider, or `report-writer`).

    Raises UsageError (`unknown-worker`) for a provider that does not exist or a role the phase lacks.
    """
    voices = _voices(phase, options)
    workers: list[Worker] = []
    if "analyst" in phase.roles:
        workers += [Worker(name, "analyst", provider, model_of(provider)) for name, provider in voices]
    if "executor" in phase.roles:
        executor = _known(options.executor or voices[0][1], options)
        workers.append(Worker(f"{worker_name(executor)}-executor", "executor", executor, model_of(executor)))
    elif options.executor:
        raise UsageError("unknown-worker", f"{phase.task_type} has no executor", where="--executor")
    if "verifier" in phase.roles:
        workers += [Worker(f"{name}-verifier", "verifier", provider, model_of(provider)) for name, provider in voices]
    if "report-writer" in phase.roles:
        writer = _known(_writer(options), options)
        model = model_of("report-writer" if writer == "claude" else writer)
        workers.append(Worker("report-writer", "report-writer", writer, model))
    if options.critic and options.critic != "off":
        if "critic" not in phase.roles:
            raise UsageError("unknown-worker", f"{phase.task_type} takes no critic", where="--critic")
        workers.append(Worker("critic", "critic", _known(options.critic, options), model_of(options.critic)))
    return tuple(workers)


def _writer(options: RosterOptions) -> str:
    """Who writes the report: as asked, or else one of the chosen workers: only they are known to be available."""
    return options.report_writer or options.provider or (options.workers[0] if options.workers else "claude")


def report_writer_note(workers: Iterable[Worker], asked: Sequence[str], writer: str) -> tuple[str, ...]:
    """A note for a person who chose workers but no report writer, if it is not the usual one."""
    written = [one.provider for one in workers if one.role == "report-writer"]
    if not asked or writer or not written or written[0] in ("claude", REHEARSAL):
        return ()
    return (f"{written[0]} writes the report: claude is not among --workers; --report-writer names another",)


def _voices(phase: Phase, options: RosterOptions) -> tuple[tuple[str, str], ...]:
    """Worker ids and providers of those that analyse or verify. A rehearsal plays two parts by default."""
    if options.provider == REHEARSAL and not options.workers:
        return tuple((f"{REHEARSAL}-{part}", REHEARSAL) for part in "ab")
    asked = options.workers or ((options.provider,) if options.provider else phase.workers)
    named = tuple(dict.fromkeys(_known(name, options) for name in asked))
    if options.executor and "verifier" in phase.roles and options.executor not in named:
        named = (*named, _known(options.executor, options))
    return tuple((worker_name(name), name) for name in named)


def _known(name: str, options: RosterOptions) -> str:
    known = (*PROVIDERS, *options.configured)
    if name not in known:
        raise UsageError("unknown-worker", f"there is no provider {name!r}", hint="one of: " + ", ".join(known))
    return name


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
            return _models_known(model, provider, source, table)
    if slot in ROLE_PROVIDERS:
        return resolve_model(provider, flags=flags, environment=environment, config=config, table=table)
    return table.providers[provider].default


def _models_known(model: str, provider: str, source: str, table: ModelTable) -> str:
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
