"""Whether an agent is ready: it is started, greeted, and opens a session, in an empty folder. No model is asked.

It is started as a worker that reads would be, in its sandbox; if it is not ready there, once more without one, to tell
what it lacks from what the sandbox keeps from it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from ...errors import OkstraError, extra_hint
from ...sandbox.choice import Containment
from ...status import Access, Word
from ..acp_agents import Agent
from ..job import Job
from ..runner import complaint_of_sandbox, private_state_of
from ..streams import events, list_at, text_at
from ..supervised_process import ClientEnd, SupervisedClient
from .provider import Acp, model_in

_MARGIN = 15.0  # seconds, beyond what the agent may take
_TICK = 0.1
SDK = "acp"

Inside = Callable[[Agent, str, Mapping[str, str]], Containment | None]
"""How an agent is contained that works in that folder, with that environment; None without a sandbox."""


class Readiness(Word):
    ABSENT = "not installed"
    INSTALLED = "installed"
    """It is there, and can't be used as it is."""
    NEEDS_LOGIN = "needs login"
    OUTSIDE = "ready only outside its sandbox"
    """Its workers would not start."""
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


def probe(agent: Agent, environment: Mapping[str, str], *, model: str, inside: Inside) -> Found:
    """`model` is the one to ask for, or `names.AGENTS_MODEL`."""
    if not on_path(agent, environment):
        return Found(Readiness.ABSENT, f"{agent.argv[0]} is not on the PATH", agent.install or _argv_remedy(agent))
    if find_spec(SDK) is None:
        return Found(
            Readiness.INSTALLED, "okstra speaks its protocol with an extra that is not installed", extra_hint(SDK)
        )
    base = os.path.realpath(tempfile.mkdtemp(prefix="okstra-agent-"))
    try:
        folder = os.path.join(base, "empty")
        os.mkdir(folder)
        try:
            containment = inside(agent, folder, environment)
            found = _greeted(agent, environment, model, folder, containment)
            if containment is None or found.state is Readiness.READY:
                return found
            outside = _greeted(agent, environment, model, folder, None)
        except OkstraError as error:  # the disk is full, for instance
            return Found(Readiness.INSTALLED, error.message, error.hint)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    if outside.state is not Readiness.READY:
        return outside
    return outside._replace(state=Readiness.OUTSIDE, detail=found.detail, remedy=_sandbox_remedy(agent))


def _greeted(
    agent: Agent, environment: Mapping[str, str], model: str, folder: str, containment: Containment | None
) -> Found:
    """Raises WorkFailed."""
    most = 2 * agent.start_seconds + _MARGIN
    job = Job(
        worker=agent.provider,
        role="probe",
        provider=agent.provider,
        model=model,
        prompt="",
        folder=folder,
        access=Access.READ,
        result="",
        audit="",
        log=f"{folder}.log",
        token=uuid.uuid4().hex,
        soft_limit=most,
        hard_limit=most,
        options=agent.to_settings(),
        containment=containment,
    )
    launch = Acp(agent).greeting(job, environment)
    with (
        private_state_of(job, launch) as state,
        SupervisedClient(job, launch, soft_limit=most, hard_limit=most, state=state) as client,
    ):
        while not client.wait(_TICK):
            pass
        ended = client.ended()
    complaint = complaint_of_sandbox(ended.stdout, ended.stderr, ended.verdict.status) if containment else ""
    if complaint:
        return Found(Readiness.INSTALLED, f"its sandbox could not start: {complaint}", _sandbox_remedy(agent))
    return _found(agent, ended)


def _found(agent: Agent, ended: ClientEnd) -> Found:
    rows = events(ended.stdout)
    last = next((row for row in reversed(rows) if row.get("type") == "result"), {})
    session = next((row for row in rows if row.get("type") == "session"), {})
    failure = text_at(last, "failure")
    if failure == "none":
        models = tuple(str(one) for one in list_at(session, "models"))
        return Found(Readiness.READY, "", "", text_at(session, "version"), model_in(session), models)
    wrote = ended.stderr.decode("utf-8", "replace").strip()[-300:]
    detail = text_at(last, "message") or wrote or ended.verdict.complaint or "it did not answer"
    if failure == "login":
        return Found(Readiness.NEEDS_LOGIN, detail, agent.login or _argv_remedy(agent))
    return Found(Readiness.INSTALLED, detail, agent.install or _argv_remedy(agent))


def _sandbox_remedy(agent: Agent) -> str:
    """What shows it more; its own settings for what it reads and writes itself."""
    return (
        "show its sandbox what it needs: okstra config set sandboxShow PATH..., "
        f"or agents.{agent.name}.state, .logins and .variables in config.json"
    )


def _argv_remedy(agent: Agent) -> str:
    return f"mend agents.{agent.name} in config.json"
