"""Before a run is led, and before anything is created or paid for: can this roster do what the run needs?

Each client that the run needs must be installed, in a version that okstra can use, and logged in, as far as the client
can check that without asking a model; and there must be enough voices for the quorum. Rehearsals need no client.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ..agents.acp.probe import Found, Inside, Readiness, probe
from ..agents.acp_agents import Agent, agent_in
from ..agents.environment import agents_environment
from ..agents.providers import Settings, provider_settings, speaker
from ..errors import Missing, OkstraError, Refused
from ..names import ACP, AGENTS_MODEL, REHEARSAL
from ..paths import ProjectFiles
from ..results.voices import family_of, voices
from ..services import Services
from ..settings.limits import lead_settings
from ..settings.phases import Phase
from ..settings.roster import JUDGES, Worker
from ..system import files
from .agents import contained_as_a_worker, uncontained
from .providers import CLIENTS, ClientFacts, client_fault

_CLIENTS = {client.program: client for client in CLIENTS}


class MissingRequirement(NamedTuple):
    """One thing that is missing, and its remedy. `code` is the code of the error."""

    code: str
    what: str
    remedy: str


def require_roster(
    roster: Sequence[Worker],
    phase: Phase,
    project: ProjectFiles,
    services: Services,
    *,
    lead: str,
    asked: Sequence[Worker] | None = None,
    quorum: str = "",
) -> None:
    """Raises Missing (`client-missing`), Refused (`quorum-unreachable`), listing everything that is missing; Refused
    (`sandbox-missing`) where agents of the protocol can't be contained as they must be.

    `asked`: the workers still to be asked, when the others have answered; only their clients are needed. `quorum` is
    the run's own.
    """
    found = missing_requirements(roster, phase, project, services, lead=lead, asked=asked, quorum=quorum)
    if not found:
        return
    code = "client-missing" if any(one.code == "client-missing" for one in found) else found[0].code
    missing = "; ".join(one.what for one in found)
    hint = "; ".join(dict.fromkeys(one.remedy for one in found))
    data: dict[str, object] = {"missing": [one._asdict() for one in found]}
    kind: type[OkstraError] = Missing if code == "client-missing" else Refused
    raise kind(code, f"{missing}: nothing was started", where=f"the roster of {phase.task_type}", hint=hint, data=data)


def missing_requirements(
    roster: Sequence[Worker],
    phase: Phase,
    project: ProjectFiles,
    services: Services,
    *,
    lead: str,
    asked: Sequence[Worker] | None = None,
    quorum: str = "",
) -> tuple[MissingRequirement, ...]:
    """Everything that keeps this roster from finishing the run. `lead` leads it: an agent's program, or okstra.

    Raises Refused (`sandbox-missing`), UsageError (`bad-config`), Unreadable.
    """
    config, shared = files.read_json(services.home.config) or {}, files.read_json(project.config) or {}
    places = (services.home.config, project.config)
    settings = provider_settings(config, shared, project_root=project.root, places=places)
    voices_needed = lead_settings(phase, config, shared, settings, places=places, quorum=quorum).rules.quorum
    own = lead_settings(phase, config, {}, settings, places=places, quorum=quorum).rules.quorum
    needed = roster if asked is None else asked
    names = dict.fromkeys(worker.provider for worker in needed if worker.provider != REHEARSAL)
    names.update(dict.fromkeys([lead] if lead in _CLIENTS else []))
    environment = agents_environment()
    spoken = {name: agent_in(name.removeprefix(ACP), settings[name]) for name in names if name.startswith(ACP)}
    inside = contained_as_a_worker(project.root, services) if spoken else uncontained
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        greeted = {name: pool.submit(_greeted, agent, needed, environment, inside) for name, agent in spoken.items()}
        others = [name for name in names if name not in spoken]
        found = list(pool.map(lambda name: _missing_provider(name, settings, environment), others))
        rows = {name: future.result() for name, future in greeted.items()}
    found += [_missing_agent(name, row) for name, row in rows.items()]
    flag = "--project " if voices_needed > own else ""
    less = "`--quorum" if quorum and not flag else f"`okstra config set {flag}convergence.quorum"
    models = {name: row.model for name, row in rows.items()}
    voices = _missing_voices(roster, settings, voices_needed, less, models)
    return (*(one for one in found if one is not None), *voices)


def _missing_provider(name: str, settings: Settings, environment: Mapping[str, str]) -> MissingRequirement | None:
    client = _CLIENTS.get(name)
    if client is not None:
        return _missing_client(client, settings.get(name, {}), environment)
    program = str(settings.get(name, {}).get("argv", [name])[0])
    if shutil.which(program, path=environment.get("PATH")) is None:
        what = f"{name}: {program} is not on the PATH" if os.sep not in program else f"{name}: there is no {program}"
        return MissingRequirement(
            "client-missing", what, f"mend providers.{name} in config.json, or choose others: --workers a,b"
        )
    return None


def _greeted(agent: Agent, workers: Sequence[Worker], environment: Mapping[str, str], inside: Inside) -> Found:
    model = next((worker.model for worker in workers if worker.provider == agent.provider), AGENTS_MODEL)
    return probe(agent, environment, model=model, inside=inside)


def _missing_agent(name: str, found: Found) -> MissingRequirement | None:
    if found.state is Readiness.READY:
        return None
    what = found.detail if found.state is Readiness.ABSENT else f"{found.state}: {found.detail}"
    remedy = f"{found.remedy}, or choose others: --workers a,b"
    return MissingRequirement("client-missing", f"{name}: {what}", remedy)


def _missing_client(
    client: ClientFacts, settings: Mapping[str, Any], environment: Mapping[str, str]
) -> MissingRequirement | None:
    if shutil.which(client.program, path=environment.get("PATH")) is None:
        remedy = f"npm install -g {client.package}, or choose others: --workers a,b"
        return MissingRequirement("client-missing", f"{client.program} is not on the PATH", remedy)
    fault = client_fault(client, settings, environment)
    return MissingRequirement("client-missing", f"{client.program}: {fault.detail}", fault.remedy) if fault else None


def _missing_voices(
    roster: Sequence[Worker], settings: Settings, quorum: int, less: str, models: Mapping[str, str]
) -> tuple[MissingRequirement, ...]:
    """The missing voices; none for a rehearsal, which may show how gates close, too. Which model answers is not known
    yet: a client is expected to answer with a model of the family that the one it is asked for belongs to; an agent
    that names the model in use (`models`, by provider), with that one.

    `less` is the command or flag that asks for fewer, without its number and closing quote.
    """
    asked = [worker for worker in roster if worker.role in JUDGES]
    named = {one.id: models.get(one.provider) or one.model for one in asked}
    speakers = {
        one.id: speaker(
            one.id, one.provider, one.model, family_of(named[one.id]), settings, seen=models.get(one.provider, "")
        )
        for one in asked
    }
    heard = voices(speakers)
    families = {heard[one.id]: one.provider for one in asked}
    if not asked or len(families) >= quorum or any(worker.provider == REHEARSAL for worker in roster):
        return ()
    providers = sorted({worker.provider for worker in asked})
    count = "one voice" if len(families) == 1 else f"{len(families)} voices"
    what = f"{', '.join(providers)} {'is' if len(providers) == 1 else 'are'} {count}, and the gate needs {quorum}"
    nameless = sorted({one.provider for one in asked if not speakers[one.id].family})
    if nameless:
        what += f" (of which family the models of {', '.join(nameless)} are is not known)"
    remedies = [f"choose {quorum} families or more, e.g. --workers {shlex.quote(_example(families, quorum))}"]
    remedies += [
        f"`okstra config set {_settings_of(name)}.family FAMILY` names one, like claude or gpt" for name in nameless
    ]
    remedies.append(f"{less} {len(families)}` for less")
    return (MissingRequirement("quorum-unreachable", what, "; or ".join(remedies)),)


def _settings_of(provider: str) -> str:
    return f"agents.{provider.removeprefix(ACP)}" if provider.startswith(ACP) else f"providers.{provider}"


def _example(families: Mapping[str, str], quorum: int) -> str:
    """Providers of that many families: of each that there is, one, then okstra's own clients."""
    others = [client.program for client in CLIENTS if family_of(client.program) not in families]
    return ",".join([*families.values(), *others][: max(quorum, 2)])
