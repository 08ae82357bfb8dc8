"""`okstra work`: takes a ready stage, leads it, merges what waits for it, and begins again.

Several may work on one plan, started by anything: each run is an okstra of its own, and the registry decides who has a
stage. A worker that is killed leaves an interrupted stage; the next one of the same job's name goes on with it at once.
"""

from __future__ import annotations

import os
import random
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ..agents.sweep import sweep
from ..errors import Busy, CheckFailed, Interrupted, Missing, OkstraError, UsageError, WorkFailed
from ..lead.waves import ChildRun, PrintProgress, StageRun, await_child, nothing_ready, run_command
from ..leadership import led_by_okstra, owner_in
from ..names import AUTO, IMPLEMENTATION, RunId, TaskKey
from ..runs.events import events_of
from ..runs.find import KnownRun, find_run
from ..services import Services
from ..settings.project import Project
from ..settings.setup import CheckStatus
from ..stages.integrate import integrate
from ..stages.select import StageState
from ..status import AnswerState, ClaimStatus, Liveness, StageStatus
from ..system import assets, processes
from ..system.process_identity import liveness
from .fresh_states import FreshStates
from .moves import ANOTHER_MERGES, DONE, Move, Seen, What, lost_leads, needs_a_person, next_move
from .waiting import UNREACHABLE, Silence, WaitNotice, waited_for

_SETTLED_SECONDS = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.3, 5.0
_MOST_UNAVAILABLE = 2
_OTHERS_END_SECONDS = 600.0
_GRACE_SECONDS = 2.5
_SWEEP_SECONDS = 1.5
_PR_SET_CHILD_SUBREAPER = 36
_STOPPED = 130
_NO_TOKEN = "a placed run has none"
# Somebody else was faster: look again.
_RACES = {"no-stage-ready", "stage-running", "stage-reserved", "stage-done", "stage-interrupted", "run-is-led", "busy"}


class Order(NamedTuple):
    """What to work on, and how; the services' environment has the job's name, too.

    `words`: the flags that every new run gets; `common`: those of each okstra call. `stage`: only that one, and the
    merges that it waits for; 0 for all.
    """

    key: TaskKey
    job: str
    jobs: int
    until: str = DONE
    words: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    stage: int = 0


class Worked(NamedTuple):
    """The stages that this worker led, in the order of their ends, its merge commits, and whether all is done that it
    was to work on."""

    stages: tuple[StageRun, ...]
    commits: tuple[str, ...]
    all_done: bool


def require_fit(services: Services, start: str) -> None:
    """Raises CheckFailed (`machine-unhealthy`): nothing is taken on a machine that could not finish it."""
    from ..doctor.machine import examine
    from ..doctor.providers import AGENTS

    rows = examine(services, start, providers=False)
    failed = [row for row in rows if row.status is CheckStatus.FAIL and row.check != AGENTS]  # each run checks its own
    if failed:
        message = "; ".join(f"{row.check}: {row.detail}" for row in failed)
        raise CheckFailed("machine-unhealthy", message, hint="; ".join(filter(None, (row.remedy for row in failed))))


class Worker:
    """One `okstra work`: each of its slots looks, and does the next move. `open_task` makes a worktree to merge in."""

    def __init__(
        self,
        project: Project,
        order: Order,
        services: Services,
        stop: threading.Event,
        print_progress: PrintProgress,
        open_task: Callable[[], None],
    ) -> None:
        self._project, self._order, self._services = project, order, services
        self._stop, self._show = stop, print_progress
        self._open_task = open_task
        self._fresh = FreshStates(project, order.key, services, print_progress)
        self._silence, self._notice = Silence(print_progress), WaitNotice(print_progress)
        self._changing = threading.Lock()
        self._looked_at: list[StageState] | None = None
        self._led: list[StageRun] = []
        self._commits: list[str] = []
        self._given_up: dict[str, str] = {}
        self._resumed: dict[str, int] = {}
        self._merge_fault, self._merged = "", False
        self._unavailable = 0
        self._refused_at = 0.0
        self._fault: OkstraError | None = None

    def work(self) -> Worked:
        """Works until all is done, or nothing can be. Raises WorkFailed (`run-failed`) when a gate is shut, Refused
        (`no-stage-ready`), Interrupted, and what the plan's approval raises."""
        self._open_task()
        with ThreadPoolExecutor(max_workers=self._order.jobs) as slots:
            list(slots.map(lambda _: self._run_slot(), range(self._order.jobs)))
        data: dict[str, object] = {
            "stages": [one._asdict() for one in self._led],
            "commits": list(self._commits),
            "unavailable": self._unavailable,
        }
        if self._stop.is_set():
            hint = "the same command goes on"
            raise Interrupted("interrupted", "stopped; stages in work can be resumed", hint=hint, data=data)
        if self._fault is not None:
            self._fault.data = {**data, **self._fault.data}
            raise self._fault
        states = self._looked_at if self._order.jobs == 1 else self._states()
        if states is None:  # it answered when the last slot ended
            message = "the remote does not answer any more"
            raise WorkFailed("run-failed", message, where=str(self._order.key), hint="okstra status", data=data)
        end = next_move(states, self._seen())
        if end.why:
            raise WorkFailed("run-failed", end.why, where=str(self._order.key), hint="okstra status", data=data)
        all_done = all(state.status is StageStatus.DONE for state in states)
        if not all_done and not end.others:
            refused = nothing_ready(states, self._order.key)
            refused.data = {**data, **refused.data}
            raise refused
        return Worked(tuple(self._led), tuple(self._commits), all_done)

    def _run_slot(self) -> None:
        pause = _FIRST_PAUSE
        while not (self._stop.is_set() or self._fault):
            try:
                states = self._states()
                move = next_move(states, self._seen()) if states is not None else Move(What.WAIT)
                left = self._unended(states or (), move.what)
                if left:
                    moved = self._finish(left)
                elif move.what is What.END:
                    return
                else:
                    if move.what is What.WAIT:
                        self._notice.say(waited_for(states or ()))
                    moved = self._do(move)
            except OkstraError as error:
                self._fault = self._fault or error
                return
            pause = _FIRST_PAUSE if moved else min(pause * 1.5, _LONGEST_PAUSE)
            if not moved:
                self._stop.wait(random.uniform(0.5, 1.0) * pause)

    def _states(self) -> list[StageState] | None:
        """None while the remote does not answer. Raises UsageError (`not-found`)."""
        states, wanted = self._fresh.look(), self._order.stage
        if states is None:
            return None
        if wanted and wanted not in [state.stage for state in states]:
            raise UsageError("not-found", f"the plan has no stage {wanted}", where=str(self._order.key))
        self._looked_at = [state for state in states if wanted in (0, state.stage)]
        return self._looked_at

    def _seen(self) -> Seen:
        return Seen(
            self._order.job,
            self._order.until,
            self._services.clock.before(_SETTLED_SECONDS),
            dict(self._given_up),
            self._merge_fault,
            self._merged,
            alone=bool(self._order.stage),
        )

    def _do(self, move: Move) -> bool:
        """False: there was nothing to do, or somebody else did it."""
        if move.what is What.RESUME:
            return self._resume(move.run_id)
        if move.what is What.INTEGRATE:
            return self._integrate(move.stages)
        return move.what is What.LEAD and self._lead()

    def _lead(self) -> bool:
        stage = str(self._order.stage or AUTO)
        words = ("--task-key", str(self._order.key), "--task-type", IMPLEMENTATION, "--stage", stage, "--lead", "auto")
        child = self._await([*run_command([*words, *self._order.words]), *self._order.common])
        if self._must_wait(child):
            return False
        if child.run_id:
            self._keep(child)
        elif not child.ok and not self._stop.is_set():
            raise WorkFailed("run-failed", f"no run could be started: {child.said}", hint="okstra doctor")
        return True

    def _resume(self, run_id: str) -> bool:
        run = find_run(run_id, self._project.root, self._services)
        lost = lost_leads(str(row.get("event")) for row in events_of(run.files))
        with self._changing:
            times = self._resumed.get(run_id, 0)
            if needs_a_person(max(lost, times)):
                self._given_up[run_id] = f"{run_id} lost its lead {max(lost, times)} times"
                return True
        self._show(f"{run_id}: goes on")
        program = os.path.join(assets.root(), "bin", "okstra")
        child = self._await([program, "resume", run_id, "--json", *self._order.common])
        if self._must_wait(child):
            return False
        with self._changing:
            self._resumed[run_id] = times + 1
            if child.codes and not child.run_id:  # it could not even begin
                self._given_up[run_id] = f"{run_id}: {child.said}"
        self._keep(child._replace(run_id=run_id))
        return True

    def _must_wait(self, child: ChildRun) -> bool:
        """Whether somebody was faster, or the remote did not answer: a stage that is proven then is published by
        resuming its run. Raises Missing (`remote-unreachable`) when that lasts."""
        if UNREACHABLE in child.codes:
            self._silence.note(Missing(UNREACHABLE, child.said, where=child.run_id, hint="okstra remote check"))
            return True
        self._silence.end()
        return not child.ok and bool(_RACES.intersection(child.codes))

    def _unended(self, states: Iterable[StageState], move: What) -> list[KnownRun]:
        """Runs of done stages that have more to do, their reports: this worker's job has to, or, before a merge,
        somebody else does."""
        found: list[KnownRun] = []
        if move not in (What.END, What.INTEGRATE):
            return found
        for state in states:
            if state.status is StageStatus.DONE and state.run_id not in self._given_up:
                try:
                    run = find_run(state.run_id, self._project.root, self._services)
                except UsageError:  # another program's, or another machine's
                    continue
                mine = state.job == self._order.job
                if led_by_okstra(run) and (mine or (move is What.INTEGRATE and _is_led(run))):
                    found.append(run)
        return found

    def _finish(self, runs: Sequence[KnownRun]) -> bool:
        """Goes on with one whose lead is gone; else waits."""
        left = [run for run in runs if not _is_led(run)]
        return bool(left) and self._resume(str(left[0].id))

    def _may_yet_pass(self, error: OkstraError) -> bool:
        """Whether the gates may be those of a run that is about to end on another machine, whose lead can't be seen
        from here."""
        if error.code != "gates-not-passed" or not self._fresh.others:
            return False
        now = time.monotonic()
        self._refused_at = self._refused_at or now
        return now - self._refused_at < _OTHERS_END_SECONDS

    def _await(self, command: Sequence[str]) -> ChildRun:
        return await_child(command, self._stop, self._services.environment)

    def _keep(self, child: ChildRun) -> None:
        """Notes how a run ended. Two in a row whose workers could not be reached: this machine takes no more."""
        run = RunId.parse(child.run_id)
        self._show(f"stage {run.stage}: {child.said}")
        unreachable = not child.ok and not self._stop.is_set() and self._was_unavailable(child.run_id)
        with self._changing:
            self._led.append(StageRun(run.stage or 0, child.run_id, child.ok, child.said))
            self._unavailable = self._unavailable + 1 if unreachable else 0
            if self._unavailable >= _MOST_UNAVAILABLE:
                message = f"{self._unavailable} stages in a row failed here because an agent was not available"
                hint = "okstra doctor --providers; then the same command takes new stages"
                self._fault = WorkFailed("run-failed", f"{message}: {child.said}", hint=hint)

    def _was_unavailable(self, run_id: str) -> bool:
        rows = events_of(find_run(run_id, self._project.root, self._services).files)
        last = {(row.get("worker"), row.get("label")): row.get("state") for row in rows if row.get("event") == "ended"}
        return AnswerState.UNAVAILABLE in last.values()

    def _integrate(self, stages: tuple[int, ...]) -> bool:
        """Merges these, or all that is done. One at a time: while another does, this one waits."""
        try:
            done = integrate(self._project, self._order.key, self._services, self._show, only=stages)
        except Busy:
            return False
        except OkstraError as error:
            if error.code == UNREACHABLE:
                self._silence.note(error)
            elif error.code == ANOTHER_MERGES:
                self._notice.say(f"waiting: {error.message}; {error.hint}")
            if error.code in (ANOTHER_MERGES, UNREACHABLE) or self._may_yet_pass(error):
                return False
            with self._changing:
                if error.code == "nothing-to-integrate":
                    self._merged = True
                else:
                    self._merge_fault = error.message
                    self._show(f"the merge failed: {error.message}")
            return True
        with self._changing:
            self._refused_at = 0.0
            self._commits.append(done.commit)
        self._show(f"merged stages {', '.join(map(str, done.merged))} into {done.branch}")
        return True


def _is_led(run: KnownRun) -> bool:
    return liveness(owner_in(run, run.manifest)) in (Liveness.ALIVE, Liveness.UNKNOWN)


def finish_left(root: str, services: Services, print_progress: PrintProgress) -> None:
    """A node that comes back ends the runs of its done stages: nobody else has their records, and they can't be merged
    before.

    Resumes what was placed in this clone, is recorded as done, and lost its lead before its report. What can't be
    read is left to `okstra status`."""
    claims = services.registry.read().stages()
    for run_id in [claim.run_id for _, claim in claims if claim.status is ClaimStatus.DONE and claim.job]:
        try:
            run = find_run(run_id, root, services)
            left = led_by_okstra(run) and liveness(owner_in(run, run.manifest)) is Liveness.GONE
        except OkstraError:
            continue
        if left and os.path.realpath(run.project.root) == os.path.realpath(root):
            print_progress(f"{run_id}: its report was not finished; goes on")
            command = [os.path.join(assets.root(), "bin", "okstra"), "resume", run_id, "--project-root", root]
            processes.run(command, env=services.environment)


def hold_leash(descriptor: int, stop: threading.Event) -> None:
    """Ends this process, and all that it started, when the engine's process on its node is gone.

    That process keeps the write end of a pipe; however it ends, the kernel closes it, and the read end here is at its
    end. Runs are stopped in good order first (`stop`), so that they can be resumed.
    """
    os.set_inheritable(descriptor, False)
    _adopt_orphans()
    threading.Thread(target=_watch, args=(descriptor, stop), daemon=True).start()


def _watch(descriptor: int, stop: threading.Event) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()
    stop.set()
    threading.Event().wait(_GRACE_SECONDS)  # the process ends meanwhile, if all goes well
    sweep(_NO_TOKEN, ancestor=os.getpid(), limit=_SWEEP_SECONDS)
    os._exit(_STOPPED)


def _adopt_orphans() -> None:
    """Makes what a killed okstra leaves a descendant of this process, where the kernel supports it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
