"""`okstra batch`: several runs side by side, each in an okstra process of its own, at most so many at once.

A run that fails stops no other: they belong to different tasks, or to independent stages.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ..errors import Refused
from ..names import IMPLEMENTATION, TaskKey
from ..quoting import okstra_command
from ..services import Services
from ..settings.project import Project
from ..stages.records import newest_plan_states
from ..status import StageStatus
from .waves import ChildRun, PrintProgress, await_child, run_command

_NOT_STARTED = ChildRun("", 130, "not started")


class Entry(NamedTuple):
    """One run to start; `line` is 1-based, 0 for one that is not from a file."""

    line: int
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name for people: the task's key, or group and id, its phase, its stage."""
        parts = [_value(self.words, "--task-key") or ":".join(filter(None, self._group_and_id()))]
        parts += [_value(self.words, "--task-type"), _value(self.words, "--stage")]
        return " ".join(filter(None, parts)) or " ".join(self.words)

    def _group_and_id(self) -> tuple[str, str]:
        return _value(self.words, "--task-group"), _value(self.words, "--task-id")


def entries_of(text: str) -> tuple[list[Entry], list[tuple[int, str]]]:
    """The runs of a file, and the errors by line. Empty lines and comments after a `#` are ignored."""
    entries: list[Entry] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            words = tuple(shlex.split(line, comments=True))
        except ValueError as error:
            faults.append((number, str(error).lower()))
            continue
        words = words[2:] if words[:2] == ("okstra", "run") else words
        if words:
            entries.append(Entry(number, words))
    return entries, faults


def _value(words: tuple[str, ...], flag: str) -> str:
    """The value of a flag, written `--flag value` or `--flag=value`."""
    for place, word in enumerate(words):
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
        if word == flag and place + 1 < len(words):
            return words[place + 1]
    return ""


class BatchRun(NamedTuple):
    entry: Entry
    child: ChildRun


def run_batch(
    entries: Sequence[Entry], jobs: int, stop: threading.Event, print_progress: PrintProgress
) -> list[BatchRun]:
    """Runs the entries. Returns how each ended, in order; those not started when `stop` was set say so."""
    ended = 0
    printing = threading.Lock()

    def run(entry: Entry) -> BatchRun:
        nonlocal ended
        if stop.is_set():
            return BatchRun(entry, _NOT_STARTED)
        print_progress(f"{entry.name}: started")
        child = await_child(run_command(entry.words), stop)
        with printing:
            ended += 1
            print_progress(f"{ended} of {len(entries)}  {child.run_id or entry.name}: {child.said}")
        return BatchRun(entry, child)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return list(pool.map(run, entries))


def ready_stages(project: Project, key: TaskKey, services: Services) -> list[Entry]:
    """One entry for each stage of the task's plan that is ready to start. Raises Refused (`no-stage-ready`,
    `plan-not-approved`)."""
    plan, states = newest_plan_states(project.files.task(key), key, services)
    ready = [state.stage for state in states if state.status is StageStatus.READY]
    if not ready:
        raise Refused(
            "no-stage-ready", "no stage is ready", where=plan, hint=okstra_command("stage", "list", "--plan", plan)
        )
    of_task = ("--task-key", str(key), "--task-type", IMPLEMENTATION)
    return [Entry(0, (*of_task, "--stage", str(stage))) for stage in ready]
