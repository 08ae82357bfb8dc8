"""Which agents are here, and which of them are ready to work: okstra's own clients, those of the Agent Client Protocol,
and the person's commands. Uses no model; an agent of the protocol is started and greeted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, NoReturn

from ..agents.acp.probe import Inside, Readiness, on_path, probe
from ..agents.acp_agents import Agent, agents, variables_for
from ..agents.environment import agents_environment
from ..errors import OkstraError, Refused
from ..names import AGENTS_MODEL
from ..runs.containment import containment, sandbox_of
from ..sandbox.choice import Containment
from ..sandbox.profile import role_of
from ..services import Services
from ..settings.setup import CheckRow, CheckStatus
from ..status import Access
from ..system import assets, files
from .providers import CLIENTS, ClientFacts, first_fault, version_of

_AT_ONCE = 4


class AgentRow(NamedTuple):
    """One agent as `okstra agents` lists it. `provider` is its name for `--workers`."""

    provider: str
    program: str
    state: str
    version: str = ""
    model: str = ""
    detail: str = ""
    remedy: str = ""
    models: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "models": list(self.models)}


def agent_rows(services: Services) -> list[AgentRow]:
    """Every agent that okstra knows, side by side. Raises UsageError (`bad-config`), Unreadable."""
    from ..agents.providers import BUILT_IN, provider_settings

    config = files.read_json(services.home.config) or {}
    settings = provider_settings(config, {}, project_root=os.sep, places=(services.home.config, ""))
    commands = [name for name in settings if name not in BUILT_IN and ":" not in name]
    protocol, refused = known_agents(services), None
    inside: Inside
    try:
        inside = contained_as_a_worker(os.sep, services)
    except Refused as found:
        refused, inside = found, partial(_refuse, found)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        own = [(client, settings.get(client.program, {})) for client in CLIENTS]
        clients = [pool.submit(_client, client, given, services, refused) for client, given in own]
        spoken = [pool.submit(agent_row, agent, services.environment, inside) for agent in protocol]
        rows = [one.result() for one in (*clients, *spoken)]
    return [*rows, *(_command(name, settings[name], services.environment) for name in commands)]


def known_agents(services: Services) -> list[Agent]:
    """Raises UsageError (`bad-config`), Unreadable."""
    config = files.read_json(services.home.config) or {}
    return list(agents(assets.toml("prompts", "agents.toml"), config, services.home.config).values())


def contained_as_a_worker(project_root: str, services: Services) -> Inside:
    """How the agents of that project's workers are contained; without a project, or with one that is not trusted yet,
    by the home's settings alone.

    Raises Refused (`sandbox-missing`) where no worker would start, UsageError (`bad-config`), Unreadable.
    """
    try:
        sandbox = sandbox_of(project_root, services)
    except Refused as refused:
        if refused.code != "not-trusted":
            raise
        sandbox = sandbox_of(os.sep, services)

    def inside(agent: Agent, folder: str, environment: Mapping[str, str]) -> Containment | None:
        named = (*(name for name, _ in agent.env), *variables_for(agent.variables, environment))
        return containment(sandbox, role_of(Access.READ), folder, folder, variables=named)

    return inside


def uncontained(agent: Agent, folder: str, environment: Mapping[str, str]) -> None:
    """Without a sandbox."""


def _refuse(refused: Refused, agent: Agent, folder: str, environment: Mapping[str, str]) -> NoReturn:
    """In place of a containment: the agent is not started, since none of its workers would be."""
    raise refused


def agent_row(agent: Agent, environment: Mapping[str, str], inside: Inside) -> AgentRow:
    environment = {**agents_environment(), **environment}
    found = probe(agent, environment, model=agent.model or AGENTS_MODEL, inside=inside)
    return AgentRow(
        agent.provider,
        agent.argv[0],
        str(found.state),
        found.version,
        found.model,
        found.detail,
        found.remedy,
        found.models,
    )


def ready(services: Services) -> list[str]:
    """The installed agents of the protocol that are ready."""
    try:
        here = [agent for agent in known_agents(services) if _is_its_own(agent, services.environment)]
        inside = contained_as_a_worker(os.sep, services)
    except OkstraError:
        return []
    rows = [agent_row(agent, services.environment, inside) for agent in here]
    return [row.provider for row in rows if row.state == Readiness.READY]


def _is_its_own(agent: Agent, environment: Mapping[str, str]) -> bool:
    """Whether it is installed, and no client that okstra speaks to by an adapter anyway."""
    return agent.argv[0] not in {client.program for client in CLIENTS} and on_path(agent, environment)


def check_rows(services: Services) -> list[CheckRow]:
    """For the doctor: those that are installed and for which okstra has no adapter, and those that the person has
    named. Settings that can't be read have a row of their own there."""
    inside: Inside
    try:
        known = known_agents(services)
        inside = contained_as_a_worker(os.sep, services)
    except Refused as refused:
        inside = partial(_refuse, refused)
    except OkstraError:
        return []
    here = [agent for agent in known if agent.own or _is_its_own(agent, services.environment)]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        rows = list(pool.map(lambda agent: agent_row(agent, services.environment, inside), here))
    return [_check_row(row, agent) for row, agent in zip(rows, here, strict=True)]


def _check_row(row: AgentRow, agent: Agent) -> CheckRow:
    if row.state == Readiness.READY:
        answers = f", answers with {row.model}" if row.model else ", does not say which model answers"
        return CheckRow(row.provider, CheckStatus.OK, f"ready: {row.version or 'no version'}{answers}")
    wrong = CheckStatus.FAIL if agent.own and row.state == Readiness.ABSENT else CheckStatus.WARN
    return CheckRow(row.provider, wrong, f"{row.state}: {row.detail}", row.remedy)


def _client(client: ClientFacts, settings: Mapping[str, Any], services: Services, refused: Refused | None) -> AgentRow:
    """`refused` says why no worker would start."""
    name, environment = client.program, services.environment
    if shutil.which(name, path=environment.get("PATH")) is None:
        remedy = f"npm install -g {client.package}"
        return AgentRow(name, name, str(Readiness.ABSENT), detail="not on the PATH", remedy=remedy)
    version, fault = version_of(client, environment), first_fault(client, settings, environment)
    if fault is None and refused is not None:
        return AgentRow(name, name, str(Readiness.INSTALLED), version, detail=refused.message, remedy=refused.hint)
    if fault is None:
        return AgentRow(name, name, str(Readiness.READY), version)
    state = Readiness.NEEDS_LOGIN if fault.check.endswith(" login") else Readiness.INSTALLED
    return AgentRow(name, name, str(state), version, detail=fault.detail, remedy=fault.remedy)


def _command(name: str, given: Mapping[str, Any], environment: Mapping[str, str]) -> AgentRow:
    program = str(given["argv"][0])
    if shutil.which(program, path=environment.get("PATH")) is None:
        remedy = f"mend providers.{name} in config.json"
        return AgentRow(name, program, str(Readiness.ABSENT), detail=f"{program} is not on the PATH", remedy=remedy)
    detail = "a command of yours: okstra can't ask it whether it is ready"
    return AgentRow(name, program, str(Readiness.INSTALLED), model=str(given.get("model", "")), detail=detail)
