"""Who works in a run: worker ids, roles, providers and models (spec 5, "Roles")."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..words.errors import UsageError
from .phases import Phase

PROVIDERS = ("claude", "codex", "gemini", "rehearsal")


class Worker(NamedTuple):
    """`id` names the worker's files: `<id>-prompt-…`, `<id>-worker-…`."""

    id: str
    role: str
    provider: str
    model: str


class RosterWishes(NamedTuple):
    """What the command line asked for; empty means the phase's default."""

    workers: tuple[str, ...] = ()
    executor: str = ""
    critic: str = ""
    provider: str = ""


def roster(phase: Phase, wishes: RosterWishes, model_of: Callable[[str], str]) -> tuple[Worker, ...]:
    """The run's workers. `model_of` answers a model slot (a provider, or `report-writer`).

    Raises UsageError (`unknown-worker`) for a provider that does not exist or a role the phase lacks.
    """
    providers = _providers(phase, wishes)
    workers: list[Worker] = []
    if "analyst" in phase.roles:
        workers += [Worker(name, "analyst", name, model_of(name)) for name in providers]
    if "executor" in phase.roles:
        executor = _known(wishes.executor or providers[0])
        workers.append(Worker(f"{executor}-executor", "executor", executor, model_of(executor)))
    elif wishes.executor:
        raise UsageError("unknown-worker", f"{phase.task_type} has no executor", where="--executor")
    if "verifier" in phase.roles:
        workers += [Worker(f"{name}-verifier", "verifier", name, model_of(name)) for name in providers]
    writer = _known(wishes.provider or "claude")
    workers.append(
        Worker("report-writer", "report-writer", writer, model_of("report-writer" if writer == "claude" else writer))
    )
    if wishes.critic and wishes.critic != "off":
        if "critic" not in phase.roles:
            raise UsageError("unknown-worker", f"{phase.task_type} takes no critic", where="--critic")
        workers.append(Worker("critic", "critic", _known(wishes.critic), model_of(wishes.critic)))
    return tuple(workers)


def _providers(phase: Phase, wishes: RosterWishes) -> tuple[str, ...]:
    asked = wishes.workers or ((wishes.provider,) if wishes.provider else phase.workers)
    named = tuple(dict.fromkeys(_known(name) for name in asked))
    if wishes.executor and "verifier" in phase.roles and wishes.executor not in named:
        return (*named, _known(wishes.executor))
    return named


def _known(name: str) -> str:
    if name not in PROVIDERS:
        raise UsageError("unknown-worker", f"there is no provider {name!r}", hint="one of: " + ", ".join(PROVIDERS))
    return name
