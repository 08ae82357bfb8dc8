"""Claude Code as a person has it: in a terminal, with its first questions answered long ago."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_BUSY = "esc to interrupt"
_QUESTION = "Do you want to"
"""How the client's permission questions begin."""


class Terminal:
    """One program in tmux, in an environment of its own; `with` ends it."""

    def __init__(self, socket: Path, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        config = socket.with_name("tmux.conf")
        config.write_text("set -g remain-on-exit on\n")
        self._tmux = ("tmux", "-S", str(socket), "-f", str(config))
        self._environment = {**environment, "TERM": "xterm-256color"}
        self._start = ("new-session", "-d", "-x", "140", "-y", "50", "-c", str(folder), "--", *argv)

    def __enter__(self) -> Terminal:
        done = self._ask(*self._start)
        assert done.returncode == 0, done.stderr
        self._pane = self._ask("list-panes", "-F", "#{pane_id}").stdout.strip()
        return self

    def __exit__(self, *error: object) -> None:
        self._ask("kill-server")

    @property
    def screen(self) -> str:
        return self._ask("capture-pane", "-p", "-t", self._pane).stdout

    @property
    def has_ended(self) -> bool:
        return self._ask("display-message", "-p", "-t", self._pane, "#{pane_dead}").stdout.strip() == "1"

    @property
    def is_idle(self) -> bool:
        return _BUSY not in self.screen

    def type(self, text: str) -> None:
        """A line, as a person types it."""
        self._ask("send-keys", "-t", self._pane, "-l", text)
        time.sleep(0.3)
        self.enter()

    def enter(self) -> None:
        self._ask("send-keys", "-t", self._pane, "Enter")

    @property
    def asks(self) -> bool:
        """Whether the person is asked for a permission."""
        return _QUESTION in self.screen

    def until(self, what: Callable[[], object], seconds: float = 60, *, may_ask: bool = False) -> None:
        """Waits until it is so. A question to the person, an error of the API's or the program's end ends the wait."""
        end = time.monotonic() + seconds
        while not what():
            screen = self.screen
            assert may_ask or _QUESTION not in screen, f"a person is asked:\n{screen}"
            assert "API Error" not in screen, f"the model had no answer:\n{screen}"
            assert not self.has_ended or what(), f"it has ended:\n{screen}"
            assert time.monotonic() < end, f"it did not come to it in {seconds} s:\n{screen}"
            time.sleep(0.1)

    def wait_for_end(self, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not self.has_ended:
            assert time.monotonic() < end, f"it did not end:\n{self.screen}"
            time.sleep(0.1)

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, env=self._environment, timeout=30)


def settle_in(home: Path, key: str, *trusted: Path) -> None:
    """Answers what the client asks only once: its welcome, the key, and whether a folder is trusted."""
    path = home / ".claude" / ".claude.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    answers = {
        "hasCompletedOnboarding": True,
        "customApiKeyResponses": {"approved": [key[-20:]], "rejected": []},
        "projects": {str(folder): {"hasTrustDialogAccepted": True} for folder in trusted},
    }
    path.write_text(json.dumps({**known, **answers}))


def transcript(home: Path, session: str) -> list[dict[str, Any]]:
    """The rows of what the client keeps of a session; empty while there is nothing."""
    for path in (home / ".claude" / "projects").glob(f"*/{session}.jsonl"):
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]
    return []
