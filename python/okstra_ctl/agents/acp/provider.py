"""The provider `acp:NAME`: an agent that speaks the Agent Client Protocol (docs/how-to/add-a-provider.md).

Its client is a program of okstra's (`worker.py`), which starts the agent, answers what it asks by the job's access, and
prints one JSON object a line, the last of them its result. The closing message is the result under every access: an
agent may have tools that write outside its worktree, or none.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from ...names import AGENTS_MODEL
from ...results.parse import begins_as_result
from ...status import Access, Failure
from ...system.text import dumps, fill
from ...usage.tokens import ModelTokens, Tokens
from ..acp_agents import Agent
from ..environment import client_environment
from ..job import Job, Launch, StreamResult, Usage
from ..streams import Event, count_at, events, failure_in, list_at, number_at, retry_after_in, text_at

ORDERS = "OKSTRA_ACP"
"""The variable with what the client is to do."""
_OWN_SERVER = "OKSTRA_AGENT_ENDPOINT"
"""The address at which an agent serves itself, where it does."""
_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from okstra_ctl.agents.acp.worker import main; main()"
_LONGEST_COMPLAINT = 1000
_FAILURES = {str(failure): failure for failure in Failure}


def command_line(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Starts okstra's client of the protocol, and below it the agent."""
    return (sys.executable, "-I", "-X", "utf8", "-c", _START, _PACKAGE_PARENT, *argv)


def agents_argv(agent: Agent, model: str, port: int = 0) -> tuple[str, ...]:
    """A word that asks for the model is left out where nobody named one, with the flag before it. Port 0: any."""
    values = {"MODEL": model, "PORT": str(port)}
    if model != AGENTS_MODEL:
        return tuple(fill(word, values) for word in agent.argv)
    kept: list[str] = []
    for word in agent.argv:
        if "{{MODEL}}" not in word:
            kept.append(fill(word, values))
        elif word == "{{MODEL}}" and kept and kept[-1].startswith("-"):
            kept.pop()
    return tuple(kept)


def free_port() -> int:
    """A port of the loopback that is free now."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


class Acp:
    def __init__(self, agent: Agent) -> None:
        self.name, self._agent = agent.provider, agent

    def delivers_by_message(self, access: Access) -> bool:
        return True

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        return self._launch(job, prompt, inherited, {})

    def greeting(self, job: Job, inherited: Mapping[str, str]) -> Launch:
        """Opens a session and ends. Remedies are the caller's."""
        return self._launch(job, "", inherited, {"probe": True, "login": "", "install": "", "contained": False})

    def _launch(self, job: Job, prompt: str, inherited: Mapping[str, str], more: Mapping[str, object]) -> Launch:
        port = free_port() if any("{{PORT}}" in word for word in self._agent.argv) else 0
        by_flag = any("{{MODEL}}" in word for word in self._agent.argv)
        orders = {
            "access": str(job.access),
            "folder": job.folder,
            "readable": [*job.readable, *job.writable],
            "results": [job.result, job.audit],
            "model": "" if by_flag or job.model == AGENTS_MODEL else job.model,
            "mode": (self._agent.contained_mode if job.containment is not None else "") or self._agent.mode,
            "start_seconds": self._agent.start_seconds,
            "login": self._agent.login or f"its own login (agents.{self._agent.name}.login in config.json may name it)",
            "install": self._agent.install,
            "contained": job.containment is not None,
            **more,
        }
        always = {**dict(self._agent.env), ORDERS: dumps(orders)}
        if port:  # the sandbox lets a worker connect to addresses that its environment names
            always[_OWN_SERVER] = f"http://127.0.0.1:{port}"
        environment = client_environment(job, inherited, always=always)
        argv = command_line(agents_argv(self._agent, job.model, port))
        return Launch(argv, prompt.encode("utf-8", "replace"), environment)

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        rows = events(stdout)
        last = next((event for event in reversed(rows) if event.get("type") == "result"), None)
        session = next((text_at(event, "session") for event in rows if event.get("type") == "session"), "")
        if last is None:
            complaint = stderr.decode("utf-8", "replace").strip()[-500:]
            return StreamResult(False, Failure.INTERRUPTED, complaint, session=session)
        failure = _FAILURES.get(text_at(last, "failure"), Failure.CLIENT)
        message = text_at(last, "message")
        if failure is Failure.NONE and (unanswered := _unanswered(rows, text_at(last, "text"))) is not Failure.NONE:
            failure, message = unanswered, text_at(last, "text").strip()
        if failure not in (Failure.NONE, Failure.INTERRUPTED) and (said := stderr.decode("utf-8", "replace").strip()):
            message = f"{message}; it wrote: {said[-300:]}"
        return StreamResult(
            ended=failure is not Failure.INTERRUPTED,
            failure=failure,
            message=message,
            retry_after=retry_after_in(message) if failure is Failure.RATE_LIMIT else None,
            model=model_in(last) or None,
            usage=_usage(last),
            denials=tuple(str(denial) for denial in list_at(last, "denials")),
            last_message=text_at(last, "text"),
            session=session,
        )


def _unanswered(rows: list[Event], text: str) -> Failure:
    """Some agents end a turn well in which their model did not answer: with what its provider said as the message."""
    if len(text) > _LONGEST_COMPLAINT or begins_as_result(text) or any(row.get("type") == "tool" for row in rows):
        return Failure.NONE
    found = failure_in(text)
    return found if found in (Failure.RATE_LIMIT, Failure.OVERLOADED, Failure.LOGIN) else Failure.NONE


def _usage(last: Event) -> Usage | None:
    counts: Any = last.get("usage")
    cost = number_at(last, "cost_usd")
    if not isinstance(counts, dict):
        return None if cost is None else Usage(0, 0, 0, 0, cost)
    tokens = Tokens(*(count_at(counts, name) for name in Tokens._fields))
    return Usage(*tokens, cost, (ModelTokens(model_in(last), tokens, cost),))


def model_in(event: Event) -> str:
    """The model that the agent reports; that it is the agent's own choice names none."""
    model = text_at(event, "model")
    return "" if model == AGENTS_MODEL else model
