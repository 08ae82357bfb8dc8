"""A scripted agent, made with the agent's side of the protocol's SDK: `python acp_agent.py SCRIPT.json`.

It does the script's steps one after the other; its closing message is what came of them, as JSON. The script:
`steps`, and `models`, `modes` (the first is in use), `login` (whether it wants one), `version` (of the protocol).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import acp
from acp import schema

SESSION = "session-1"


class Agent:
    def __init__(self, script: dict[str, Any]) -> None:
        self._script = script
        self._client: Any = None
        self._model = (script.get("models") or [""])[0]
        self._mode = (script.get("modes") or [""])[0]
        self._cancelled = asyncio.Event()
        self._tools = 0
        self._outcomes: list[Any] = []

    def on_connect(self, conn: Any) -> None:
        self._client = conn

    async def initialize(
        self, protocol_version: int, client_capabilities: Any = None, **_: Any
    ) -> schema.InitializeResponse:
        self._capabilities = client_capabilities.model_dump(mode="json", by_alias=True, exclude_none=True)
        return schema.InitializeResponse(
            protocol_version=self._script.get("version", protocol_version),
            agent_info=schema.Implementation(name="scripted", version="1.0"),
        )

    async def new_session(self, cwd: str, **_: Any) -> schema.NewSessionResponse:
        if self._script.get("login"):
            raise acp.RequestError(-32000, "Authentication required")
        return schema.NewSessionResponse(session_id=SESSION, config_options=self._options())

    def _options(self) -> Any:
        known = (("model", "models", self._model), ("mode", "modes", self._mode))
        return [
            schema.SessionConfigOptionSelect(
                id=name,
                name=name,
                category=name,
                type="select",
                current_value=now,
                options=[schema.SessionConfigSelectOption(value=one, name=one) for one in self._script[several]],
            )
            for name, several, now in known
            if now
        ] or None

    async def set_config_option(self, config_id: str, session_id: str, value: Any, **_: Any) -> Any:
        if config_id == "mode":
            self._mode = value if value in self._script["modes"] else self._mode
        elif value in self._script["models"]:
            self._model = value
        return schema.SetSessionConfigOptionResponse(config_options=self._options())

    async def cancel(self, session_id: str, **_: Any) -> None:
        self._cancelled.set()

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> schema.PromptResponse:
        do: dict[str, Callable[[Any], Any]] = {
            "say": self._say,
            "ask": self._ask,
            "read": self._read,
            "write": self._write,
            "run": self._run,
            "model": self._switch,
            "cost": self._cost,
            "capabilities": self._tell_capabilities,
            "mode": self._tell_mode,
            "wait": self._wait,
            "fail": self._fail,
        }
        for step in self._script["steps"]:
            for name, value in step.items():
                if name == "end":
                    return schema.PromptResponse(stop_reason=value, usage=self._used())
                if self._cancelled.is_set():
                    return schema.PromptResponse(stop_reason="cancelled")
                await do[name](value)
        if self._cancelled.is_set():
            return schema.PromptResponse(stop_reason="cancelled", usage=self._used())
        await self._say(json.dumps(self._outcomes))
        return schema.PromptResponse(stop_reason="end_turn", usage=self._used())

    def _used(self) -> Any:
        given = self._script.get("usage")
        return schema.Usage(**given, total_tokens=sum(given.values())) if given else None

    async def _update(self, update: Any) -> None:
        await self._client.session_update(session_id=SESSION, update=update)

    async def _say(self, text: str) -> None:
        await self._update(acp.update_agent_message_text(text))

    async def _ask(self, asked: dict[str, Any]) -> None:
        """Asks for leave to use a tool: `kind`, `path`, `command`, and the `options` that it offers."""
        self._tools += 1
        name = f"tool-{self._tools}"
        locations = [schema.ToolCallLocation(path=asked["path"])] if "path" in asked else None
        raw = {"command": asked["command"]} if "command" in asked else None
        told = {"kind": asked["kind"], "locations": locations, "raw_input": raw}
        title = f"{asked['kind']} {asked.get('path', asked.get('command', ''))}"
        start = schema.ToolCallStart(tool_call_id=name, title=title, session_update="tool_call", **told)
        await self._update(start)
        kinds = asked.get("options", ["allow_always", "allow_once", "reject_once"])
        answer = await self._client.request_permission(
            session_id=SESSION,
            tool_call=schema.ToolCallUpdate(tool_call_id=name),
            options=[schema.PermissionOption(option_id=kind, name=kind, kind=kind) for kind in kinds],
        )
        self._outcomes.append(getattr(answer.outcome, "option_id", "cancelled"))

    async def _tried(self, call: Any, shown: Callable[[Any], Any]) -> None:
        try:
            self._outcomes.append(shown(await call))
        except acp.RequestError as error:
            self._outcomes.append(f"error: {error}")

    async def _read(self, path: Any) -> None:
        more = path if isinstance(path, dict) else {"path": path}
        await self._tried(self._client.read_text_file(session_id=SESSION, **more), lambda answer: answer.content)

    async def _write(self, path: str) -> None:
        call = self._client.write_text_file(session_id=SESSION, path=path, content=f"by the agent: {path}\n")
        await self._tried(call, lambda _: "written")

    async def _run(self, command: Any) -> None:
        more = command if isinstance(command, dict) else {"command": command}
        try:
            made = await self._client.create_terminal(session_id=SESSION, **more)
        except acp.RequestError as error:
            self._outcomes.append(f"error: {error}")
            return
        ended = await self._client.wait_for_terminal_exit(session_id=SESSION, terminal_id=made.terminal_id)
        output = await self._client.terminal_output(session_id=SESSION, terminal_id=made.terminal_id)
        await self._client.release_terminal(session_id=SESSION, terminal_id=made.terminal_id)
        self._outcomes.append([ended.exit_code, output.output])

    async def _switch(self, model: str) -> None:
        self._model = model
        update = schema.ConfigOptionUpdate(session_update="config_option_update", config_options=self._options())
        await self._update(update)

    async def _cost(self, amount: float) -> None:
        cost = schema.Cost(amount=amount, currency="USD")
        await self._update(schema.UsageUpdate(session_update="usage_update", used=1, size=2, cost=cost))

    async def _tell_capabilities(self, _: Any) -> None:
        self._outcomes.append(self._capabilities)

    async def _tell_mode(self, _: Any) -> None:
        self._outcomes.append(self._mode)

    async def _wait(self, seconds: float) -> None:
        """For the client's word to stop, at most so long."""
        try:
            await asyncio.wait_for(self._cancelled.wait(), seconds)
        except asyncio.TimeoutError:
            self._outcomes.append("nobody asked it to stop")

    async def _fail(self, error: list[Any]) -> None:
        raise acp.RequestError(*error)


if __name__ == "__main__":
    asyncio.run(acp.run_agent(Agent(json.loads(Path(sys.argv[1]).read_text()))))
