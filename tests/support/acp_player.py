"""An agent that speaks the protocol and nothing else, and plays a rehearsal's script: `python acp_player.py SCRIPT`.

Without the SDK: one line of JSON a message. Whatever it reads, writes and runs goes through the client.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from okstra_ctl.agents import rehearsal_player
from okstra_ctl.system import assets, files
from okstra_ctl.system.processes import Finished

MODEL = os.environ.get("PLAYED_MODEL", "openai/gpt-played")


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


class Lines:
    def __init__(self) -> None:
        self._asked = 0

    def next(self) -> dict[str, Any]:
        line = sys.stdin.readline()
        if not line:
            raise SystemExit(0)
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Raises OSError with the client's words when it refuses."""
        self._asked += 1
        send(id=self._asked, method=method, params={"sessionId": "played", **params})
        while True:
            message = self.next()
            if message.get("id") == self._asked and "method" not in message:
                if "error" in message:
                    raise OSError(message["error"]["message"])
                return message.get("result") or {}


class Hands:
    """What a rehearsal reads, writes and runs, through the client."""

    def __init__(self, lines: Lines, script: str) -> None:
        self._lines = lines
        self._own = (script, assets.root())
        self.closing = ""

    def read_bytes(self, path: str) -> bytes | None:
        if path.startswith(self._own):  # what it plays, no work of its own
            return Path(path).read_bytes()
        try:
            found = self._lines.ask("fs/read_text_file", path=os.path.abspath(path))
        except OSError:
            return None
        return str(found["content"]).encode()

    def read_json(self, path: str, *_: Any) -> Any:
        data = self.read_bytes(path)
        return None if data is None else json.loads(data)

    json_bytes = staticmethod(files.json_bytes)

    def replace(self, path: str, data: bytes) -> None:
        """Its result is its closing message."""
        self.closing = data.decode()

    def write(self, path: str, content: str) -> None:
        self._lines.ask("fs/write_text_file", path=os.path.abspath(path), content=content)

    def run(self, argv: list[str], **_: Any) -> Finished:
        made = self._lines.ask("terminal/create", command=argv[0], args=argv[1:])["terminalId"]
        ended = self._lines.ask("terminal/wait_for_exit", terminalId=made)
        output = self._lines.ask("terminal/output", terminalId=made)["output"]
        self._lines.ask("terminal/release", terminalId=made)
        return Finished(tuple(argv), ended["exitCode"], output.encode(), b"")


def play(script: str, lines: Lines, prompt: str) -> str:
    """Returns the closing message."""
    hands = Hands(lines, script)
    rehearsal_player.files = hands  # type: ignore[assignment]
    rehearsal_player.processes = hands  # type: ignore[assignment]
    rehearsal_player._write_file = hands.write
    rehearsal_player.emit = lambda event: None
    environment = {**os.environ, "OKSTRA_RESULT": "result", "OKSTRA_AUDIT": "audit"}
    rehearsal_player.Player(script, prompt, environment).play()
    return hands.closing


def main() -> None:
    lines = Lines()
    model = {"id": "model", "name": "Model", "category": "model", "type": "select", "currentValue": MODEL}
    while True:
        message = lines.next()
        method, number, params = message.get("method"), message.get("id"), message.get("params")
        if method == "initialize":
            send(id=number, result={"protocolVersion": 1, "agentInfo": {"name": "played", "version": "1"}})
        elif method == "session/new":
            options = [{**model, "options": [{"value": MODEL, "name": MODEL}]}]
            send(id=number, result={"sessionId": "played", "configOptions": options})
        elif method == "session/prompt":
            closing = play(sys.argv[1], lines, params["prompt"][0]["text"])
            update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": closing}}
            send(method="session/update", params={"sessionId": "played", "update": update})
            usage = {"inputTokens": 1000, "outputTokens": 10, "totalTokens": 1010}
            send(id=number, result={"stopReason": "end_turn", "usage": usage})


if __name__ == "__main__":
    main()
