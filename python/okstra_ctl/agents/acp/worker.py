"""okstra's client of the Agent Client Protocol: `worker AGENT…` starts the agent, gives it the prompt from its own
standard input, and prints what happens as one JSON object a line. `ORDERS` in its environment says what it may do.

The only program that imports the protocol's SDK.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn, TypeVar

from ... import __version__
from ...errors import extra_hint
from ...status import Access, Failure
from ...system.text import dumps, loads
from ..streams import failure_in
from .access import Ground
from .provider import ORDERS

_LOGIN_NEEDED = -32000
_PROMPT = "session/prompt"
_CANCEL_SECONDS = 0.7  # less than the supervisor's grace
_END_SECONDS = 1.0
_STOPS = {
    "end_turn": Failure.NONE,
    "cancelled": Failure.INTERRUPTED,
    "max_tokens": Failure.CLIENT,
    "max_turn_requests": Failure.CLIENT,
    "refusal": Failure.CLIENT,
}
_Answer = TypeVar("_Answer")


class Ended(Exception):
    """The turn is over before the agent ended it."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure, self.message = failure, message


class Session(NamedTuple):
    """An open session: what the agent says of itself, and its options."""

    id: str
    agent: str
    version: str
    methods: tuple[str, ...]


def main() -> NoReturn:
    orders: dict[str, Any] = loads(os.environ.pop(ORDERS, "{}"))
    argv = sys.argv[1:]
    logging.disable(logging.CRITICAL)  # the SDK logs what an agent does wrong
    failed = 1
    try:
        import acp  # noqa: F401 (whether it is there)
    except ImportError:
        what = "okstra speaks the Agent Client Protocol with an extra that is not installed"
        emit(_failed(Failure.CLIENT, f"{what}; try: {extra_hint('acp')}"))
    else:
        prompt = "" if orders.get("probe") else sys.stdin.buffer.read().decode("utf-8", "replace")
        failed = asyncio.run(Turn(argv, orders).play(prompt))
    sys.stdout.flush()
    os._exit(failed)


def emit(event: Mapping[str, object]) -> None:
    sys.stdout.write(dumps(event).encode("utf-8", "replace").decode("utf-8") + "\n")
    sys.stdout.flush()


def _failed(failure: Failure, message: str) -> dict[str, object]:
    return {"type": "result", "failure": str(failure), "message": message}


class Turn:
    """One agent from its start to the end of its turn."""

    def __init__(self, argv: list[str], orders: Mapping[str, Any]) -> None:
        from .client import Client

        self._argv, self._orders = argv, orders
        folder = os.path.realpath(str(orders["folder"]))
        ground = Ground(
            Access(orders["access"]),
            folder,
            tuple(os.path.realpath(path) for path in orders.get("readable", ())),
            tuple(os.path.realpath(path) for path in orders.get("results", ())),
        )
        self._ground, self._client = ground, Client(ground, emit)
        self._usage: Any = None
        self._model = ""
        self._asked_to_end = asyncio.Event()

    async def play(self, prompt: str) -> int:
        """Prints the result; returns the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_end.set)
        failure, message = Failure.NONE, ""
        try:
            process = await self._start()
        except Ended as over:
            emit(_failed(over.failure, over.message))
            return 1
        try:
            await self._turn(process, prompt)
        except Ended as over:
            failure, message = over.failure, over.message
        finally:
            self._client.close()
        emit(self._result(failure, message))
        await _end(process, _END_SECONDS if failure is Failure.NONE else 0.0)
        return 0 if failure is Failure.NONE else 1

    def _result(self, failure: Failure, message: str) -> dict[str, object]:
        return {
            "type": "result",
            "failure": str(failure),
            "message": message,
            "model": self._model,
            "usage": self._usage,
            "cost_usd": self._client.cost_usd,
            "denials": self._client.denials,
            "text": self._client.text,
        }

    async def _start(self) -> asyncio.subprocess.Process:
        """In a session of its own: it hears of its end from the protocol first. Raises Ended."""
        from .wire import LONGEST

        program = self._argv[0]
        try:
            return await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LONGEST,
                cwd=self._ground.folder,
                start_new_session=True,
            )
        except OSError as error:
            there = shutil.which(program) or os.sep in program
            what = f"{program} can't be started: {error.strerror}" if there else f"{program} is not on the PATH"
            raise Ended(Failure.CLIENT, f"{what}{self._in_its_sandbox()}{self._try('install')}") from None

    async def _turn(self, process: asyncio.subprocess.Process, prompt: str) -> None:
        from acp import connect_to_agent, text_block

        from .wire import Wire

        assert process.stdout is not None and process.stdin is not None
        wire = Wire(process.stdout, process.stdin)
        connection = connect_to_agent(self._client, wire, observers=[self._observe])
        try:
            session = await self._open(connection, wire, process)
            named = {"model": self._model, "models": self._models()}
            emit({"type": "session", **session._asdict(), "session": session.id, **named})
            if self._orders.get("probe"):
                return
            asked = asyncio.ensure_future(connection.prompt(session_id=session.id, prompt=[text_block(prompt)]))
            ended = asyncio.ensure_future(self._asked_to_end.wait())
            await asyncio.wait([asked, ended], return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                with suppress(ConnectionError):
                    await connection.cancel(session_id=session.id)
                await asyncio.wait([asked], timeout=_CANCEL_SECONDS)
            ended.cancel()
            if not asked.done():
                asked.cancel()
                raise Ended(Failure.INTERRUPTED, "it was asked to end, and did not answer")
            answer = await self._heard(_PROMPT, asked, None, wire, process)
            self._take(answer)
        finally:
            self._model = self._model_now() or self._model
            with suppress(Exception):
                await asyncio.wait_for(connection.close(), _END_SECONDS)

    def _take(self, answer: Any) -> None:
        """Raises Ended for a turn that the agent did not end well."""
        if (used := answer.usage) is not None:
            self._usage = {
                "input": used.input_tokens,
                "cached": used.cached_read_tokens or 0,
                "cache_written": used.cached_write_tokens or 0,
                "output": used.output_tokens + (used.thought_tokens or 0),
            }
        reason = str(answer.stop_reason)
        failure = _STOPS.get(reason, Failure.CLIENT)
        if self._asked_to_end.is_set():
            failure = Failure.INTERRUPTED
        if failure is not Failure.NONE:
            raise Ended(failure, f"it stopped for the reason {reason}")

    async def _open(self, connection: Any, wire: Any, process: asyncio.subprocess.Process) -> Session:
        """Raises Ended."""
        import acp
        from acp import schema

        edits, runs = self._ground.access is Access.EDIT, self._ground.access is not Access.READ
        seconds = float(self._orders["start_seconds"])
        begun = connection.initialize(
            protocol_version=acp.PROTOCOL_VERSION,
            client_capabilities=schema.ClientCapabilities(
                fs=schema.FileSystemCapabilities(read_text_file=True, write_text_file=edits), terminal=runs
            ),
            client_info=schema.Implementation(name="okstra", title="okstra", version=__version__),
        )
        hello = await self._heard("initialize", begun, seconds, wire, process)
        if hello.protocol_version != acp.PROTOCOL_VERSION:
            spoken = (
                f"it speaks version {hello.protocol_version} of the protocol, and okstra version {acp.PROTOCOL_VERSION}"
            )
            raise Ended(Failure.CLIENT, f"{spoken}{self._try('install')}")
        opened = connection.new_session(cwd=self._ground.folder, mcp_servers=[])
        session = await self._heard("session/new", opened, seconds, wire, process)
        self._client.options = list(session.config_options or ())
        await self._choose(connection, session.session_id, "model", wire, process)
        await self._choose(connection, session.session_id, "mode", wire, process)
        self._model = self._model_now() or self._model
        about = hello.agent_info
        methods = tuple(one.id for one in hello.auth_methods or ())
        return Session(session.session_id, about.name if about else "", about.version if about else "", methods)

    async def _choose(
        self, connection: Any, session: str, which: str, wire: Any, process: asyncio.subprocess.Process
    ) -> None:
        """Raises Ended when the agent has no such model: another one would answer in its name; or no such mode: it may
        not ask before it acts."""
        if not (wanted := str(self._orders.get(which) or "")):
            return
        option = self._option(which)
        if option is None:
            hint = "; try: {{MODEL}} in its argv, or no model of your own" if which == "model" else ""
            raise Ended(Failure.CLIENT, f"it offers no choice of {which}s, and {wanted} was asked for{hint}")
        if option.current_value == wanted:
            return
        chosen = connection.set_config_option(config_id=option.id, session_id=session, value=wanted)
        answer = await self._heard(
            "session/set_config_option", chosen, float(self._orders["start_seconds"]), wire, process
        )
        self._client.options = list(answer.config_options or self._client.options)
        option = self._option(which)
        if option is None or option.current_value != wanted:
            now = str(option.current_value) if option is not None else "none"
            raise Ended(Failure.CLIENT, f"it was asked to answer with {wanted}, and would with {now}")

    async def _heard(
        self,
        step: str,
        question: Awaitable[_Answer],
        seconds: float | None,
        wire: Any,
        process: asyncio.subprocess.Process,
    ) -> _Answer:
        """The answer. Raises Ended for an agent that gives none."""
        import acp
        from pydantic import ValidationError

        asked = asyncio.ensure_future(question)
        try:
            if step != _PROMPT:  # its turn is cancelled by the protocol
                await self._within(asked, seconds)
            return await asked
        except asyncio.TimeoutError:
            raise Ended(Failure.CLIENT, f"it did not answer {step} within {seconds:g} seconds{_sample(wire)}") from None
        except ConnectionError:
            raise Ended(*await self._gone(step, wire, process)) from None
        except ValidationError:
            raise Ended(Failure.CLIENT, f"its answer to {step} is not the protocol's{self._try('install')}") from None
        except acp.RequestError as error:
            raise Ended(*self._error(step, error)) from None

    async def _within(self, asked: asyncio.Future[Any], seconds: float | None) -> None:
        """Raises TimeoutError; Ended when okstra asks for the end first."""
        ended = asyncio.ensure_future(self._asked_to_end.wait())
        await asyncio.wait({asked, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not asked.done():
            asked.cancel()
            if self._asked_to_end.is_set():
                raise Ended(Failure.INTERRUPTED, "it was asked to end before its turn began")
            raise asyncio.TimeoutError

    async def _gone(self, step: str, wire: Any, process: asyncio.subprocess.Process) -> tuple[Failure, str]:
        if wire.fault:
            return Failure.CLIENT, f"{wire.fault} (at {step}){_sample(wire)}"
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        status = process.returncode
        how = "closed its output" if status is None else f"ended with {status}"
        if self._asked_to_end.is_set():
            return Failure.INTERRUPTED, f"it {how} when it was asked to end"
        return Failure.CLIENT, f"it {how} before it answered {step}{self._in_its_sandbox()}{_sample(wire)}"

    def _error(self, step: str, error: Any) -> tuple[Failure, str]:
        data = error.data if isinstance(error.data, str) else dumps(error.data) if error.data else ""
        text = f"{error} {data}".strip()[:2000]
        if error.code == _LOGIN_NEEDED and step != _PROMPT:
            return Failure.LOGIN, f"it needs a login ({text}){self._try('login')}"
        failure = failure_in(text)
        hint = self._try("login") if failure is Failure.LOGIN else ""
        return failure, f"it answered {step} with an error: {text}{hint}"

    def _try(self, which: str) -> str:
        known = str(self._orders.get(which) or "")
        return f"; try: {known}" if known else ""

    def _in_its_sandbox(self) -> str:
        """What it can't see there, it may have failed for: a probe starts it outside."""
        return " (in its sandbox: the setting sandboxShow shows it more)" if self._orders.get("contained") else ""

    def _option(self, which: str) -> Any:
        found = [one for one in self._client.options if getattr(one, "type", "") == "select"]
        named = [one for one in found if one.category == which] or [one for one in found if one.id == which]
        return named[0] if named else None

    def _models(self) -> list[str]:
        """Those that it offers, of all groups."""
        option = self._option("model")
        offered = option.options if option is not None else ()
        inner = [one for choice in offered for one in (getattr(choice, "options", None) or (choice,))]
        return [str(one.value) for one in inner]

    def _model_now(self) -> str:
        option = self._option("model")
        return str(option.current_value) if option is not None else ""

    def _observe(self, event: Any) -> None:
        """Older agents name their model outside of the session's options."""
        result = event.message.get("result") if str(event.direction.value) == "incoming" else None
        models = result.get("models") if isinstance(result, dict) else None
        if isinstance(models, dict) and isinstance(models.get("currentModelId"), str):
            self._model = models["currentModelId"]


def _sample(wire: Any) -> str:
    return f"; what it wrote is not the protocol: {wire.strange!r}" if wire.strange else ""


async def _end(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Its input is closed, on which an agent ends; what stays, of what it started too, is killed."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(process.wait(), seconds)
    with suppress(OSError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        elif process.returncode is None:
            process.kill()
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    await asyncio.sleep(0)  # for the ends of its pipes
