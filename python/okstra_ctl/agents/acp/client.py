"""The client's side of the protocol: an agent's requests are answered by the job's access, its reports kept."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import acp
from acp import schema

from ..streams import closing_text
from . import places, terminals
from .access import Asked, Ground, option_for, refusal
from .places import NotAllowed

_MOST_TEXT = 16 * 1024 * 1024
_PATHS = ("path", "filePath", "file_path", "filepath", "absolute_path", "notebook_path", "parentDir")
_COMMANDS = ("command", "cmd")
_REFUSED = -32000

Emit = Callable[[dict[str, object]], None]


class Client:
    """What the SDK calls for each message of the agent's."""

    def __init__(self, ground: Ground, emit: Emit) -> None:
        self._ground, self._emit = ground, emit
        self._tools: dict[str, Any] = {}
        self._terminals: dict[str, terminals.Terminal] = {}
        self._text: list[str] = []
        self._before = ""
        self._length = 0
        self.denials: list[str] = []
        self.options: list[Any] = []
        """The session's options, the model among them."""
        self.cost_usd: float | None = None

    def on_connect(self, conn: object) -> None:
        """Nothing is asked of the agent here."""

    @property
    def text(self) -> str:
        """The closing one of the texts between its tool calls."""
        return closing_text(self._before, "".join(self._text))

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        kind = getattr(update, "session_update", "")
        if kind == "agent_message_chunk":
            text = getattr(update.content, "text", None) or ""
            self._length += len(text)
            if self._length <= _MOST_TEXT:
                self._text.append(text)
        elif kind == "tool_call":
            self._tools[update.tool_call_id] = update
            self._end_of_text()
            self._emit({"type": "tool", "kind": update.kind or "other", "title": update.title[:200]})
        elif kind == "config_option_update":
            self.options = update.config_options
        elif kind == "usage_update" and update.cost is not None and update.cost.currency.upper() == "USD":
            self.cost_usd = update.cost.amount

    def _end_of_text(self) -> None:
        if self._text:
            self._emit({"type": "message", "text": "".join(self._text)[-2000:]})
        self._before = self.text
        self._text, self._length = [], 0

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_: Any
    ) -> schema.RequestPermissionResponse:
        known = self._tools.get(tool_call.tool_call_id)
        asked = self._asked(tool_call, known)
        why = refusal(self._ground, asked)
        place = option_for([one.kind for one in options], allowed=not why)
        granted = place is not None and options[place].kind == "allow_once"
        if not granted:
            title = tool_call.title or getattr(known, "title", None) or asked.kind or "a tool"
            self._denied(f"{title[:200]}: {why or 'it does not ask for once alone'}")
        if place is None:
            return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))
        chosen = schema.AllowedOutcome(option_id=options[place].option_id, outcome="selected")
        return schema.RequestPermissionResponse(outcome=chosen)

    def _asked(self, *calls: Any) -> Asked:
        """What is asked for, from the request and from what the agent told of the tool call before."""
        found = [call for call in calls if call is not None]
        kind = next((call.kind for call in found if call.kind), "")
        paths: list[str] = []
        command = ""
        for call in found:
            paths += [one.path for one in call.locations or ()]
            paths += [one.path for one in call.content or () if getattr(one, "type", "") == "diff"]
            given = call.raw_input if isinstance(call.raw_input, dict) else {}
            paths += [given[name] for name in _PATHS if isinstance(given.get(name), str)]
            line = next((given[name] for name in _COMMANDS if given.get(name)), "")
            command = command or (shlex.join(map(str, line)) if isinstance(line, list) else str(line))
        if kind == "execute":
            command = command or next((call.title for call in found if call.title), "")
        try:
            real = tuple(dict.fromkeys(places.real(self._ground, path) for path in paths))
        except NotAllowed:
            real = ("/",)
        return Asked(str(kind), real, command)

    def _denied(self, what: str) -> None:
        self.denials.append(what)
        self._emit({"type": "denied", "what": what})

    def _refused(self, what: NotAllowed) -> acp.RequestError:
        self._denied(str(what))
        return acp.RequestError(_REFUSED, f"refused: {what}")

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **_: Any
    ) -> schema.ReadTextFileResponse:
        try:
            return schema.ReadTextFileResponse(content=places.read(self._ground, path, line, limit))
        except NotAllowed as what:
            raise self._refused(what) from None
        except places.FAULTS as error:
            raise acp.RequestError(-32002, f"{path}: {error}") from None

    async def write_text_file(
        self, session_id: str, path: str, content: str, **_: Any
    ) -> schema.WriteTextFileResponse | None:
        try:
            places.write(self._ground, path, content)
        except NotAllowed as what:
            raise self._refused(what) from None
        except places.FAULTS as error:
            raise acp.RequestError(-32603, f"{path}: {error}") from None
        return None

    async def create_terminal(
        self,
        session_id: str,
        command: str,
        args: list[str] | None = None,
        env: list[Any] | None = None,
        cwd: str | None = None,
        output_byte_limit: int | None = None,
        **_: Any,
    ) -> schema.CreateTerminalResponse:
        own = {one.name: one.value for one in env or ()}
        try:
            made = await terminals.start(self._ground, command, args or (), own, cwd or "", output_byte_limit)
        except NotAllowed as what:
            raise self._refused(what) from None
        except (OSError, ValueError) as error:
            raise acp.RequestError(-32603, f"{command}: {error}") from None
        name = f"terminal-{len(self._terminals) + 1}"
        self._terminals[name] = made
        self._emit({"type": "command", "command": shlex.join([command, *(args or ())])[:500]})
        return schema.CreateTerminalResponse(terminal_id=name)

    def _terminal(self, name: str) -> terminals.Terminal:
        if name not in self._terminals:
            raise acp.RequestError(-32602, f"there is no terminal {name!r}")
        return self._terminals[name]

    async def terminal_output(self, session_id: str, terminal_id: str, **_: Any) -> schema.TerminalOutputResponse:
        one = self._terminal(terminal_id)
        ended = one.ended
        status = schema.TerminalExitStatus(exit_code=ended[0], signal=ended[1]) if ended else None
        return schema.TerminalOutputResponse(output=one.output, truncated=one.truncated, exit_status=status)

    async def wait_for_terminal_exit(
        self, session_id: str, terminal_id: str, **_: Any
    ) -> schema.WaitForTerminalExitResponse:
        one = self._terminal(terminal_id)
        await one.wait()
        code, name = one.ended or (None, None)
        return schema.WaitForTerminalExitResponse(exit_code=code, signal=name)

    async def kill_terminal(self, session_id: str, terminal_id: str, **_: Any) -> schema.KillTerminalResponse | None:
        self._terminal(terminal_id).kill()
        return None

    async def release_terminal(
        self, session_id: str, terminal_id: str, **_: Any
    ) -> schema.ReleaseTerminalResponse | None:
        self._terminal(terminal_id).kill()
        return None

    async def create_elicitation(self, message: str, mode: Any, **_: Any) -> Any:
        """Nobody is there to be asked."""
        return schema.CancelElicitationResponse(action="cancel")

    async def complete_elicitation(self, elicitation_id: str, **_: Any) -> None:
        """Nothing was begun."""

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        raise acp.RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """An extension that okstra does not know."""

    def close(self) -> None:
        for one in self._terminals.values():
            one.kill()
