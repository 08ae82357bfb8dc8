"""`run --all-ready`: wave after wave of stages, each led by an okstra of its own, merged between the waves.

Stops at the first closed gate: a stage that fails, a merge that conflicts, an exit check that fails on the merged
whole. What was done until then stays done, and the same command continues from there. `await_child` starts one run.

`okstra work --runs` leads several side by side, each in an okstra process of its own, at most so many at once. A run
that fails stops no other: they belong to different tasks, or to independent stages.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ..errors import Interrupted, Refused, WorkFailed
from ..names import IMPLEMENTATION, TaskKey
from ..quoting import okstra_command
from ..services import Services
from ..settings.project import Project
from ..stages.integrate import integrate
from ..stages.records import newest_plan_states
from ..stages.select import StageState
from ..status import StageStatus
from ..system import assets, processes
from ..system.text import loads

PrintProgress = Callable[[str], None]


class StageRun(NamedTuple):
    """How one stage's run ended; `said` is its error or its verdict."""

    stage: int
    run_id: str
    ok: bool
    said: str


class WavesResult(NamedTuple):
    """What all waves did: the stages that were built, in order, and the merge commits."""

    stages: tuple[StageRun, ...]
    commits: tuple[str, ...]


def run_waves(
    project: Project,
    key: TaskKey,
    command: Sequence[str],
    jobs: int,
    services: Services,
    stop: threading.Event,
    print_progress: PrintProgress,
) -> WavesResult:
    """Runs every stage; `command` plus `--stage N` starts one stage's run, at most `jobs` at once.

    Raises WorkFailed (`run-failed`), Refused (`no-stage-ready`, and as `integrate`), Interrupted.
    """
    led: list[StageRun] = []
    commits: list[str] = []
    while True:
        _, states = newest_plan_states(project.files.task(key), key, services)
        waiting = [state.stage for state in states if state.unmerged]
        ready = [state.stage for state in states if state.status is StageStatus.READY]
        if waiting or (not ready and _all_done(states) and led):
            print_progress(f"merging what stages {', '.join(map(str, waiting)) or 'of the last wave'} wait for")
            commits.append(integrate(project, key, services, print_progress).commit)
            if not waiting:
                return WavesResult(tuple(led), tuple(commits))
            continue
        if not ready:
            raise nothing_ready(states, key)
        print_progress(f"wave of stages {', '.join(map(str, ready))}, {min(jobs, len(ready))} at once")
        wave = _lead_wave(command, ready, jobs, stop, print_progress)
        led += wave
        failed = [one for one in wave if not one.ok]
        if stop.is_set():
            raise Interrupted("interrupted", "stopped; the stages in work can be resumed", hint="okstra status")
        if failed:
            message = "; ".join(f"stage {one.stage}: {one.said}" for one in failed)
            data: dict[str, object] = {"stages": [one._asdict() for one in led]}
            raise WorkFailed("run-failed", message, where=failed[0].run_id, hint="okstra status", data=data)


def _all_done(states: Sequence[StageState]) -> bool:
    return all(state.status is StageStatus.DONE for state in states)


def nothing_ready(states: Sequence[StageState], key: TaskKey) -> Refused:
    if _all_done(states):
        verify = okstra_command("run", "--task-key", key, "--task-type", "final-verification")
        hint = f"{okstra_command('integrate', '--task-key', key)}; {verify}"
        return Refused("no-stage-ready", "every stage is done", where=str(key), hint=hint)
    waiting = "; ".join(
        f"stage {state.stage} is {state.status}" for state in states if state.status != StageStatus.DONE
    )
    return Refused("no-stage-ready", f"no stage is ready: {waiting}", where=str(key), hint="okstra status")


def _lead_wave(
    command: Sequence[str], stages: Sequence[int], jobs: int, stop: threading.Event, print_progress: PrintProgress
) -> list[StageRun]:
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return list(pool.map(lambda stage: _lead_stage(command, stage, stop, print_progress), stages))


def _lead_stage(command: Sequence[str], stage: int, stop: threading.Event, print_progress: PrintProgress) -> StageRun:
    if stop.is_set():
        return StageRun(stage, "", False, "not started")
    print_progress(f"stage {stage}: started")
    child = await_child([*command, "--stage", str(stage)], stop)
    print_progress(f"stage {stage}: {child.said}")
    return StageRun(stage, child.run_id, child.ok, child.said)


class ChildRun(NamedTuple):
    """How a child process's run ended: `status` is its exit status, `said` its error, its verdict, or "prepared";
    `codes` are those of its errors."""

    run_id: str
    status: int
    said: str
    codes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.status == 0


def run_command(words: Sequence[str]) -> list[str]:
    """The command line of `okstra run` with these arguments, without questions and with JSON output."""
    return [os.path.join(assets.root(), "bin", "okstra"), "run", *words, "--yes", "--json"]


def await_child(command: Sequence[str], stop: threading.Event, env: Mapping[str, str] | None = None) -> ChildRun:
    """Starts the command and waits for its end; a run that is stopped with its caller can be resumed."""
    ended = processes.start(command, env=env).finish_or(stop)
    try:
        reply = loads(ended.stdout)
        errors = "; ".join(error["message"] for error in reply["errors"])
        codes = tuple(str(error["code"]) for error in reply["errors"])
        data = reply["data"]
        run_id = str(data.get("run_id", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ChildRun("", ended.status or 1, f"ended with {ended.status}: {ended.complaint}")
    return ChildRun(run_id, ended.status, errors or str(data.get("token") or "prepared"), codes)


_NOT_STARTED = ChildRun("", 130, "not started")


class Entry(NamedTuple):
    """One run to start; `line` is 1-based, 0 for one that is not from a file."""

    line: int
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name for people: the task's key, or group and id, its phase, its stage."""
        parts = [self.task, _value(self.words, "--task-type"), _value(self.words, "--stage")]
        return " ".join(filter(None, parts)) or " ".join(self.words)

    @property
    def task(self) -> str:
        """Its key or the end of it, as far as the words name it."""
        return _value(self.words, "--task-key") or ":".join(filter(None, self._group_and_id()))

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
