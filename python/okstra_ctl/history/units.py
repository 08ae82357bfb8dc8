"""What is left to do of open tasks, cut into units of work, and the rounds in which they can be done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..names import HANDOFF, IMPLEMENTATION, PLANNING, REVIEW, VERIFICATION
from ..quoting import okstra_command
from ..stages.select import StageState, next_of_stage
from ..status import RunStatus, StageStatus, Word, next_step

BEFORE_PLANNING = ("improvement-discovery", "requirements-discovery", "error-analysis")
_TASK_TYPE = re.compile(r"--task-type[ =]([a-z-]+)")


class UnitStatus(Word):
    """What was begun has the word of its stage or run; the rest is ready, or waits."""

    RUNNING = "running"
    RESERVED = "reserved"
    PREPARED = "prepared"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    CONTRACT_VIOLATED = "contract-violated"
    READY = "ready"
    PERSON = "waits-for-a-person"
    WAITING = "waiting"


_UNBEGUN = (UnitStatus.READY, UnitStatus.PERSON, UnitStatus.WAITING)
BEGUN: Mapping[str, UnitStatus] = {str(status): status for status in UnitStatus if status not in _UNBEGUN}


class PlanFacts(NamedTuple):
    """A task's newest plan. `states` is empty for one that breaks rules; `steps` by stage number; `merged` are the
    done stages that the task branch has; `unfinished` are other done stages, whose runs, led by okstra here, have not
    passed all of their gates: they can't be merged."""

    path: str
    approved: bool
    states: tuple[StageState, ...]
    steps: Mapping[int, int]
    merged: frozenset[int] = frozenset()
    unfinished: Mapping[int, RunStatus] = MappingProxyType({})


class TaskFacts(NamedTuple):
    """Where a task stands. `event` is what happened last in its phase; `run_status` that of its last run, or empty."""

    key: str
    title: str
    phase: str
    event: str
    last_run: str
    last_at: str
    next_step: str
    run_status: str
    accepted: bool
    related: tuple[str, ...]
    plan: PlanFacts | None = None


class Unit(NamedTuple):
    """One piece of work. `needs` are ids of units; `command` is empty while it can't be given yet. `host`: the other
    machine that has the stage; `unpublished` as in a stage's state."""

    id: str
    task_key: str
    name: str
    title: str
    status: UnitStatus
    needs: tuple[str, ...]
    steps: int | None
    command: str
    host: str = ""
    unpublished: bool = False


class _Chain:
    """Units of one task; each needs those that were last, unless it says otherwise."""

    def __init__(self, task: TaskFacts) -> None:
        self.task, self.units = task, list[Unit]()
        self.last: tuple[str, ...] = ()

    def add(self, name: str, title: str, command: str, status: UnitStatus = UnitStatus.READY) -> None:
        self.last = (self.put(name, title, command, status, self.last),)

    def put(
        self,
        name: str,
        title: str,
        command: str,
        status: UnitStatus,
        needs: tuple[str, ...],
        steps: int | None = None,
        state: StageState | None = None,
    ) -> str:
        waiting = bool(needs)
        unit = Unit(
            f"{self.task.key} {name}",
            self.task.key,
            name,
            title,
            UnitStatus.WAITING if waiting and status in _UNBEGUN else status,
            needs,
            steps,
            "" if waiting else command,
            state.host if state else "",
            state.unpublished if state else False,
        )
        self.units.append(unit)
        return unit.id


def units_of(task: TaskFacts) -> list[Unit]:
    """All that is left to do in an open task, in a possible order."""
    chain, upcoming = _Chain(task), _upcoming(task)
    if upcoming == REVIEW:  # nothing follows it
        if task.event != "completed":
            _add_phase(chain, REVIEW)
        return chain.units
    planned = upcoming == IMPLEMENTATION or (
        upcoming == PLANNING and task.phase == PLANNING and task.event == "completed"
    )
    if upcoming in BEFORE_PLANNING:
        _add_phase(chain, upcoming)
    if upcoming in (*BEFORE_PLANNING, PLANNING) and not planned:
        _add_phase(chain, PLANNING)
        chain.add("approval", "check and approve the plan", "", UnitStatus.PERSON)
        chain.add(IMPLEMENTATION, "the plan's stages, known once there is a plan", "")
    if planned:
        _add_plan(chain)
    if upcoming != HANDOFF:
        _add_phase(chain, VERIFICATION)
    _add_phase(chain, HANDOFF)
    return chain.units


def _upcoming(task: TaskFacts) -> str:
    """The phase to come next: the one that the next step names, else the one that the task stands in."""
    named = _TASK_TYPE.search(task.next_step)
    phase = named[1] if named else task.phase or BEFORE_PLANNING[1]
    return HANDOFF if task.accepted and phase == VERIFICATION else phase


def _add_phase(chain: _Chain, task_type: str) -> None:
    task = chain.task
    again = task_type == task.phase and task.run_status
    command = next_step(task.run_status, task.last_run, stage=False) if again else ""
    named = _TASK_TYPE.search(task.next_step)
    if not command and ((named and named[1] == task_type) or (not named and task_type == task.phase)):
        command = task.next_step
    status = BEGUN.get(task.run_status, UnitStatus.READY) if again else UnitStatus.READY
    usual = okstra_command("run", "--task-key", task.key, "--task-type", task_type)
    if task_type == HANDOFF:  # its steps are chosen there
        usual = okstra_command("handoff", task.key)
    chain.add(task_type, "", command or usual, status)


def _add_plan(chain: _Chain) -> None:
    plan, task = chain.task.plan, chain.task
    if plan is None or not plan.states:
        command = okstra_command("plan", "check", plan.path) if plan else task.next_step
        missing = "make its plan of one stage" if "--quick" in task.next_step else "there is no plan"
        chain.add("plan", "mend the plan" if plan else missing, command, UnitStatus.PERSON)
        chain.add(IMPLEMENTATION, "the plan's stages, known once there is a plan", "")
        return
    if not plan.approved:
        chain.add("approval", "approve the plan", okstra_command("plan", "approve", plan.path), UnitStatus.PERSON)
    _add_stages(chain, plan)
    if any(state.stage not in plan.merged for state in plan.states):
        command = okstra_command("integrate", "--task-key", task.key)
        chain.add("integration", "merge and check the done stages", command)


def _add_stages(chain: _Chain, plan: PlanFacts) -> None:
    gate, key = chain.last, chain.task.key
    open_stages = [state for state in plan.states if state.status is not StageStatus.DONE]
    numbers = {state.stage for state in open_stages}
    unmerged = sorted({stage for state in open_stages for stage in state.unmerged})
    left = {state.stage: _left_run(chain, plan, state, gate) for state in plan.states if state.stage in plan.unfinished}
    merged: tuple[str, ...] = ()
    if unmerged and not gate:
        title = f"merge stages {', '.join(map(str, unmerged))}, which others build on"
        first = tuple(left[stage] for stage in unmerged if stage in left)
        merged = (chain.put("merge", title, okstra_command("integrate", "--task-key", key), UnitStatus.READY, first),)
    ids = list(left.values())
    for state in open_stages:
        needs = tuple(f"{key} stage {other}" for other in state.depends_on if other in numbers)
        needs += merged if state.unmerged else ()
        status, command = _of_stage(state, key)
        steps = plan.steps.get(state.stage)
        ids.append(chain.put(f"stage {state.stage}", state.title, command, status, gate + needs, steps, state))
    needed = {need for unit in chain.units for need in unit.needs}
    chain.last = tuple(one for one in ids if one not in needed) or gate


def _left_run(chain: _Chain, plan: PlanFacts, state: StageState, gate: tuple[str, ...]) -> str:
    """The run of a done stage, which has to pass its gates before the stage can be merged."""
    status = plan.unfinished[state.stage]
    command = next_step(status, state.run_id, stage=True)
    return chain.put(f"stage {state.stage}", state.title, command, BEGUN[status], gate)


def _of_stage(state: StageState, key: str) -> tuple[UnitStatus, str]:
    return BEGUN.get(state.status, UnitStatus.READY), next_of_stage(state, key)


def in_order(tasks: Sequence[TaskFacts]) -> list[TaskFacts]:
    """Tasks that have waited longest first, and those of the same subject together."""
    left = {task.key: task for task in sorted(tasks, key=lambda task: (task.last_at, task.key))}
    ordered: list[TaskFacts] = []
    while left:
        queue = [next(iter(left))]
        while queue:
            task = left.pop(queue.pop(0), None)
            if task is not None:
                ordered.append(task)
                queue += [key for key in left if key in task.related or task.key in left[key].related]
    return ordered


def rounds_of(units: Sequence[Unit], jobs: int = 0) -> list[list[Unit]]:
    """The units in rounds, each after all that it needs; at most `jobs` at once (0: as many as can be).

    What the longest chain hangs on goes first; what is running already goes on; a person's decision takes no place.
    Raises ValueError on a circle.
    """
    depth = _depths(_sorted(units))
    place = {unit.id: index for index, unit in enumerate(units)}
    left, done, rounds = list(units), set[str](), list[list[Unit]]()
    while left:
        free = [unit for unit in left if done.issuperset(unit.needs)]
        free.sort(key=lambda unit: (unit.status is not UnitStatus.RUNNING, -depth[unit.id], place[unit.id]))
        taken = [unit for unit in free if unit.name in ("approval", "plan")]
        work = [unit for unit in free if unit not in taken]
        taken = work[: jobs or len(work)] + taken
        rounds.append(taken)
        done |= {unit.id for unit in taken}
        left = [unit for unit in left if unit.id not in done]
    return rounds


def _sorted(units: Sequence[Unit]) -> list[Unit]:
    """The units, each after all that it needs. Raises ValueError on a circle."""
    done, left, result = set[str](), list(units), list[Unit]()
    while left:
        free = [unit for unit in left if done.issuperset(unit.needs)]
        if not free:
            raise ValueError("units need one another in a circle")
        result += free
        done |= {unit.id for unit in free}
        left = [unit for unit in left if unit.id not in done]
    return result


def _depths(units: Sequence[Unit]) -> dict[str, int]:
    """How many units in a row hang on each, itself counted. Units stand after those that they need."""
    depth = dict.fromkeys((unit.id for unit in units), 1)
    for unit in reversed(units):
        for need in unit.needs:
            depth[need] = max(depth[need], depth[unit.id] + 1)
    return depth
