"""A job: one stage, led on whichever node the engine gives it to. Pure."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..status import Word

_NODE_FAULTS = (4, 69, 130, 137, 143)
"""Exit statuses of a job that its node, and not a gate, brought to an end: unfit, or stopped from outside."""


class JobState(Word):
    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"
    """With its node, or by the engine: it does not run any more, and did not end by itself."""

    @property
    def under_way(self) -> bool:
        return self in (JobState.WAITING, JobState.RUNNING)


class Job(NamedTuple):
    """`words` are the arguments of okstra on the node. `providers`: whom it asks."""

    name: str
    words: tuple[str, ...]
    providers: tuple[str, ...] = ()


def state_at_end(status: int) -> JobState:
    return JobState.LOST if status < 0 or status in _NODE_FAULTS else JobState.ENDED


def last_words(output: str) -> str:
    """What okstra reported at its end, by its JSON answer; else the last line."""
    lines = output.strip().splitlines()
    for line in lines:
        if line.startswith("{"):
            try:
                messages = [str(error["message"]) for error in json.loads(line)["errors"]]
            except (ValueError, KeyError, TypeError):
                continue
            if messages:
                return "; ".join(messages)
    return lines[-1].strip() if lines else ""
