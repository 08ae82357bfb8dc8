"""Carrying tool calls out: each is an okstra of its own, which judges it as if a person had typed it.

A run goes on after its call until it ends, or the server does: then it is stopped, and can be resumed.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any, NamedTuple

from ..quoting import okstra_command
from ..system import assets, processes
from ..system.text import loads
from .offered import PATIENCE, RUN, WAIT, Tool, words_of

PREPARED = "okstra: prepared "
"""How `okstra run` begins the line that names the run (commands/leading.py)."""
_LINES = 20
_CLOSING = 60.0


class Answer(NamedTuple):
    """`error` has code, message, where and try, or nothing."""

    data: Mapping[str, Any]
    error: Mapping[str, str]


class LedRun:
    """A run that was started here. `future` is its command's answer."""

    def __init__(self) -> None:
        self.run_id = ""
        self.lines: deque[str] = deque(maxlen=_LINES)
        self.known = threading.Event()
        """Set once the run's id is known, or its command has ended without one."""
        self.future: Future[Answer] = Future()

    def hear(self, line: str) -> None:
        self.lines.append(line.removeprefix("okstra: "))
        if line.startswith(PREPARED):
            self.run_id = line.removeprefix(PREPARED).strip()
            self.known.set()

    def standing(self) -> Answer:
        step = okstra_command("show", self.run_id)
        return Answer({"run_id": self.run_id, "ended": "", "progress": list(self.lines), "next": [step]}, {})


class Desk:
    """All calls of one server. `folder` is where it was started."""

    def __init__(self, folder: str, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._stop = threading.Event()
        self._led: list[LedRun] = []

    def call(self, tool: Tool, arguments: Mapping[str, Any]) -> Answer:
        """Raises UsageError (`usage`)."""
        if tool.name == RUN:
            return self._run(words_of(tool, arguments))
        if tool.name == WAIT:
            return self._wait(tool, arguments)
        return _answer_of(self._start(words_of(tool, arguments)).finish_or(self._stop))

    def close(self) -> None:
        """Stops what was started, and waits for its end."""
        self._stop.set()
        wait([one.future for one in self._led], _CLOSING)

    def _start(self, words: Sequence[str]) -> processes.Running:
        program = os.path.join(assets.root(), "bin", "okstra")
        return processes.start([program, *words], cwd=self._folder, env=self._environment)

    def _run(self, words: Sequence[str]) -> Answer:
        led = LedRun()
        running = self._start(words)
        self._led.append(led)
        threading.Thread(target=self._lead, args=(running, led), daemon=True).start()
        led.known.wait()
        return led.standing() if led.run_id else led.future.result()

    def _lead(self, running: processes.Running, led: LedRun) -> None:
        try:
            led.future.set_result(_answer_of(running.finish_heard(self._stop, led.hear)))
        except BaseException as error:
            led.future.set_exception(error)
            raise
        finally:
            led.known.set()

    def _wait(self, tool: Tool, arguments: Mapping[str, Any]) -> Answer:
        words_of(tool, arguments)
        seconds = float(arguments.get("timeout", PATIENCE))
        words = words_of(tool, {"for": "report", **arguments, "timeout": seconds})
        led = next((one for one in self._led if one.run_id and one.run_id == arguments["run"]), None)
        if led is None or arguments.get("for") == "results":
            answer = _answer_of(self._start(words).finish_or(self._stop))
            late = answer.error and answer.data.get("ended") == "timeout"
            return answer._replace(error={}) if late else answer
        done, _ = wait([led.future], seconds)
        return led.future.result() if done else led.standing()


def _answer_of(ended: processes.Finished) -> Answer:
    try:
        reply = loads(ended.stdout)
        data, errors = dict(reply["data"]), list(reply["errors"])
        error = dict(errors[0]) if errors else {}
    except (ValueError, KeyError, TypeError):
        data, error = {}, {}
    if ended.status and not error:
        error = {"code": "internal-error", "message": f"ended with {ended.status}: {ended.complaint}"}
    return Answer(data, error)
