"""Places plans' ready stages on a fleet, and stays until all is done: one job a stage, on whichever node.

What became of a job is read from the ledger, never from the engine: that only tells whether there still is somebody at
work. A job whose node is lost is placed again under its own name, so that it may take its stage over.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..errors import Busy, Interrupted, OkstraError, WorkFailed
from ..lead.waves import PrintProgress, nothing_ready
from ..names import TaskKey
from ..quoting import quote
from ..services import Services
from ..settings.project import Project
from ..stages.integrate import integrate
from ..stages.select import StageState
from ..status import StageStatus
from .engine import Engine
from .fleet_file import Fleet
from .fresh_states import FreshStates
from .job import Job, JobState, last_words
from .job_files import JobFile, forget_job, jobs_of, save_job
from .moves import ANOTHER_MERGES, waited_for_merge
from .placement import Decision, Placed, decide, room_for
from .waiting import UNREACHABLE

_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_RUN_GOES_ON = "gates-not-passed"  # perhaps: a run has more to do after its stage is done


class Target(NamedTuple):
    """What is placed: all of a task's stages, merged in between, or only some, and no merge. `words`: the flags that
    every run gets, `flags` those of `okstra work`; `providers`: whom a run asks."""

    key: TaskKey
    words: tuple[str, ...]
    providers: tuple[str, ...]
    stages: tuple[int, ...] = ()
    flags: tuple[str, ...] = ()


class PlacedAll(NamedTuple):
    """The stages that are done, and the merge commits."""

    done: tuple[int, ...]
    commits: tuple[str, ...]


class Placer:
    """The placing of one target. It stays attached; what it placed goes on without it. `open_task` sees to a worktree
    to merge in. `end`: what was done, once all is."""

    end: PlacedAll | None

    def __init__(
        self,
        project: Project,
        target: Target,
        fleet: Fleet,
        engine: Engine,
        services: Services,
        print_progress: PrintProgress,
        open_task: Callable[[], None],
    ) -> None:
        self.target, self.end = target, None
        self._project, self._fleet, self._engine = project, fleet, engine
        self._services, self._show = services, print_progress
        self._open_task = open_task
        self._placed: dict[int, Placed] | None = None
        self._pause, self._look_at = _PAUSE, 0.0
        self._fresh = FreshStates(project, target.key, services, print_progress)
        self._commits: list[str] = []
        self._merged = False
        self._merge_fault: OkstraError | None = None
        self._tried_with: frozenset[int] = frozenset()

    def begin(self) -> None:
        """Raises as a run's preparation does."""
        self._open_task()

    def step(self, others: Sequence[Sequence[str]]) -> bool:
        """Looks at its jobs, and does what is to be done; whether that was anything. `end` is set once all is done.
        `others`: whom each job of other targets asks that is under way.

        The ledgers of other machines are asked when a job's state has changed, and every few seconds: the engine is the
        cheaper one to ask. Raises WorkFailed (`run-failed`, `fleet-unreachable`), Refused (`no-stage-ready`); and as
        `integrate`.
        """
        jobs = self._jobs()
        placed = {stage: self._state_of(job) for stage, job in jobs.items()}
        if placed == self._placed and time.monotonic() < self._look_at:
            return False
        self._placed = placed
        states = self._states()  # after the engine was asked: what has ended is in the ledger now
        if states is None:
            self._look_at = time.monotonic() + _LONGEST_PAUSE
            return False
        room = room_for(self._fleet.jobs, self._fleet.tokens, self.target.providers, others)
        decision = decide(states, placed, room)
        moved = self._act(decision, jobs)
        merges = decision.merge and not self._merged and not self.target.stages
        if merges:
            moved = self._merge(states) or moved
        if not moved and decision.over and (self._merge_fault is not None or not merges):
            self.end = self._end(states, decision)
        self._pause = _PAUSE if moved else min(self._pause * 1.3, _LONGEST_PAUSE)
        self._look_at = time.monotonic() + (0 if moved else self._pause)
        return moved

    @property
    def under_way(self) -> int:
        """Its jobs that are, as of the last step."""
        return sum(one.state.under_way for one in (self._placed or {}).values())

    def cancel_all(self) -> None:
        """Ends every job of the target; their runs can be resumed."""
        for job in self._jobs().values():
            self._engine.cancel(job.handle)
            forget_job(self._services.home, job.job)

    def _states(self) -> list[StageState] | None:
        """None while the remote does not answer."""
        states, wanted = self._fresh.look(), self.target.stages
        return None if states is None else [state for state in states if not wanted or state.stage in wanted]

    def _jobs(self) -> dict[int, JobFile]:
        jobs, wanted = jobs_of(self._services.home, self.target.key, self._fleet.path), self.target.stages
        return {stage: job for stage, job in jobs.items() if not wanted or stage in wanted}

    def _state_of(self, job: JobFile) -> Placed:
        state, before = self._engine.state(job.handle), (self._placed or {}).get(job.stage)
        if before is None or before.state is not state or before.attempts != job.attempts:
            self._show(f"stage {job.stage}: {state} ({job.job})")
        elif state is JobState.ENDED:
            return before
        words = last_words(self._engine.output(job.handle)) if state is JobState.ENDED else ""
        return Placed(job.stage, job.attempts, state, words)

    def _act(self, decision: Decision, jobs: dict[int, JobFile]) -> bool:
        for stage in decision.forget:
            forget_job(self._services.home, jobs[stage].job)
        for stage in decision.submit:
            self._submit(stage, jobs.get(stage))
        return bool(decision.forget or decision.submit)

    def _submit(self, stage: int, earlier: JobFile | None) -> None:
        """A job that is killed between the two steps is placed, and nobody's: its stage's claim shows that it is in
        work."""
        name = earlier.job if earlier else f"placed-{secrets.token_hex(4)}-stage-{stage}"
        key, words = self.target.key, " ".join(map(quote, self.target.words))
        named = ("--task-key", str(key), "--stage", str(stage), "--job", name, "--json")
        arguments = ("work", *named, f"--with={words}", *self.target.flags)
        handle = self._engine.submit(Job(name, arguments, self.target.providers))
        attempts = earlier.attempts + 1 if earlier else 1
        now = self._services.clock.now()
        save_job(self._services.home, JobFile(name, str(key), stage, self._fleet.path, handle, attempts, now))
        again = f", for the {_times(attempts)} time" if attempts > 1 else ""
        self._show(f"stage {stage}: placed{again} ({name})")

    def _merge(self, states: Sequence[StageState]) -> bool:
        """False: nothing was merged. What failed is tried again once more stages are done, or runs have ended."""
        done_now = frozenset(state.stage for state in states if state.status is StageStatus.DONE)
        failed = self._merge_fault
        if failed is not None and failed.code != _RUN_GOES_ON and done_now == self._tried_with:
            return False
        self._tried_with = done_now
        try:
            key, waited_for = self.target.key, waited_for_merge(states)
            done = integrate(self._project, key, self._services, self._show, only=waited_for)
        except Busy:
            return False
        except OkstraError as error:
            if error.code in (ANOTHER_MERGES, UNREACHABLE):
                return False
            self._merged = error.code == "nothing-to-integrate"
            self._merge_fault = None if self._merged else error
            return self._merged
        self._merge_fault = None
        self._commits.append(done.commit)
        self._show(f"merged stages {', '.join(map(str, done.merged))} into {done.branch}")
        return True

    def _end(self, states: Sequence[StageState], decision: Decision) -> PlacedAll:
        done = tuple(state.stage for state in states if state.status is StageStatus.DONE)
        data: dict[str, object] = {"done": list(done), "commits": list(self._commits)}
        if self._merge_fault is not None:
            self._merge_fault.data = {**data, **self._merge_fault.data}
            raise self._merge_fault
        if decision.shut:
            where = str(self.target.key)
            raise WorkFailed("run-failed", "; ".join(decision.shut), where=where, hint="okstra status", data=data)
        if len(done) < len(states):
            refused = nothing_ready(states, self.target.key)
            refused.data = {**data, **refused.data}
            raise refused
        return PlacedAll(done, tuple(self._commits))


def place_all(placers: Sequence[Placer], longest_pause: float, stop: threading.Event) -> None:
    """Places all targets side by side. One that fails stops no other: its error is raised at the end.

    Raises as `Placer.begin` and `Placer.step`, and Interrupted: then the jobs go on.
    """
    fault: OkstraError | None = None
    left, pause = list(placers), _PAUSE
    for placer in left:
        placer.begin()
    while left and not stop.is_set():
        moved = False
        for placer in list(left):
            others = [one.target.providers for one in left if one is not placer for _ in range(one.under_way)]
            try:
                moved = placer.step(others) or moved
            except Interrupted:
                raise
            except OkstraError as error:
                fault = fault or error
                left.remove(placer)
            else:
                if placer.end is not None:
                    left.remove(placer)
        pause = _PAUSE if moved else min(pause * 1.3, longest_pause)
        if left and not moved:
            stop.wait(pause)
    if left:
        raise Interrupted("interrupted", "stopped; the jobs that were placed go on", hint="okstra fleet status")
    if fault is not None:
        raise fault


def _times(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
