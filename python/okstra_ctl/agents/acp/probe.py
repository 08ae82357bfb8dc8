"""Whether an agent is ready: it is started, greeted, and opens a session, in an empty folder. No model is asked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

from ...errors import extra_hint
from ...names import AGENTS_MODEL
from ...status import Access, Word
from ...system import processes
from ...system.text import dumps
from ..acp_agents import Agent
from ..environment import unmarked
from ..streams import events, list_at, text_at
from .provider import ORDERS, agents_argv, command_line

_MARGIN = 15.0  # seconds, beyond what the agent may take
SDK = "acp"


class Readiness(Word):
    ABSENT = "not installed"
    INSTALLED = "installed"
    """It is there, and can't be used as it is."""
    NEEDS_LOGIN = "needs login"
    READY = "ready"


class Found(NamedTuple):
    """What was found of an agent. `detail` says why it is not ready; `model` is the one in use, as it reports it."""

    state: Readiness
    detail: str = ""
    remedy: str = ""
    version: str = ""
    model: str = ""
    models: tuple[str, ...] = ()


def on_path(agent: Agent, environment: Mapping[str, str]) -> bool:
    return shutil.which(agent.argv[0], path=environment.get("PATH")) is not None


def probe(agent: Agent, environment: Mapping[str, str], *, model: str) -> Found:
    """`model` is the one to ask for, or `names.AGENTS_MODEL`."""
    if not on_path(agent, environment):
        return Found(Readiness.ABSENT, f"{agent.argv[0]} is not on the PATH", agent.install or _argv_remedy(agent))
    if find_spec(SDK) is None:
        return Found(
            Readiness.INSTALLED, "okstra speaks its protocol with an extra that is not installed", extra_hint(SDK)
        )
    by_flag = any("{{MODEL}}" in word for word in agent.argv)
    folder = os.path.realpath(tempfile.mkdtemp(prefix="okstra-agent-"))
    orders = {
        "probe": True,
        "access": str(Access.READ),
        "folder": folder,
        "model": "" if by_flag or model == AGENTS_MODEL else model,
        "start_seconds": agent.start_seconds,
    }
    set_here = {**unmarked(environment), **dict(agent.env), ORDERS: dumps(orders)}
    try:
        argv = command_line(agents_argv(agent, model))
        ended = processes.run(argv, cwd=folder, env=set_here, timeout=2 * agent.start_seconds + _MARGIN)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _found(agent, ended)


def _found(agent: Agent, ended: processes.Finished) -> Found:
    rows = events(ended.stdout)
    last = next((row for row in reversed(rows) if row.get("type") == "result"), {})
    session = next((row for row in rows if row.get("type") == "session"), {})
    failure = text_at(last, "failure")
    if failure == "none":
        models = tuple(str(one) for one in list_at(session, "models"))
        return Found(Readiness.READY, "", "", text_at(session, "version"), text_at(session, "model"), models)
    detail = text_at(last, "message") or ended.complaint or "it did not answer"
    if failure == "login":
        return Found(Readiness.NEEDS_LOGIN, detail, agent.login or _argv_remedy(agent))
    return Found(Readiness.INSTALLED, detail, agent.install or _argv_remedy(agent))


def _argv_remedy(agent: Agent) -> str:
    return f"mend agents.{agent.name} in config.json"
