"""One run led by an okstra of its own, for commands that start several: `run --all-ready` and `batch`."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import NamedTuple

from ..system import assets
from ..system import processes as proc
from ..system.json_text import loads


class ChildRun(NamedTuple):
    """How it ended. `status` is its exit status, `said` its error, or its verdict, or that it is prepared."""

    run_id: str
    status: int
    said: str

    @property
    def ok(self) -> bool:
        return self.status == 0


def run_command(words: Sequence[str]) -> list[str]:
    """`okstra run` with these words, asked nothing and answering in JSON."""
    return [os.path.join(assets.root(), "bin", "okstra"), "run", *words, "--yes", "--json"]


def await_child(command: Sequence[str], stop: threading.Event) -> ChildRun:
    """Starts it and waits for its end; stopped with its caller, it can be resumed."""
    ended = proc.start(command).finish_or(stop)
    try:
        answer = loads(ended.stdout)
        errors = "; ".join(error["message"] for error in answer["errors"])
        data = answer["data"]
        run_id = str(data.get("run_id", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ChildRun("", ended.status or 1, f"ended with {ended.status}: {ended.complaint}")
    return ChildRun(run_id, ended.status, errors or str(data.get("token") or "prepared"))
