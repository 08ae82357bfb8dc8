"""`--dry-run`: what a run would write and execute, by the same rules, without touching anything."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from ..doctor.preflight import MissingRequirement, missing_requirements
from ..handoff import plan_handoff
from ..names import HANDOFF, RunId, StageKey
from ..quoting import quote
from ..runs.find import next_seq
from ..runs.manifest import WorktreeFacts
from ..runs.request import PrepareInputs, Request
from ..services import Services
from ..stages.claim import Choice, preview_claim
from ..status import WorktreeStatus
from ..worktrees import task as task_worktree
from ..worktrees.create import lock_reason
from . import folder as run_folder
from .request import resolve


class Preview(NamedTuple):
    """`files` in the order of writing, `commands` as they would be run, `missing` what a led run is refused for."""

    run: RunId
    stage: int | None
    worktree: WorktreeFacts
    epoch: int
    files: tuple[str, ...]
    commands: tuple[str, ...]
    missing: tuple[MissingRequirement, ...] = ()


def preview_run(inputs: PrepareInputs, services: Services) -> Preview:
    """Raises what `prepare_task_bundle` would raise before its first write."""
    request = resolve(inputs, services, remember=False)
    choice = preview_claim(request, services) if request.stage_map else None
    stage = choice.state.stage if choice else None
    seq = next_seq(request.task, request.phase.task_type, stage)
    run = RunId(request.key, request.phase.task_type, stage, seq)
    worktree, commands = _worktree(request, services, choice)
    files = request.task.run_of(run)
    missing = missing_requirements(
        request.roster, request.phase, request.project.files, services, lead=inputs.lead, quorum=inputs.quorum
    )
    planned = request.plan_map.stage(stage) if stage is not None else None
    context = run_folder.context_of(request, run, worktree, choice.epoch if choice else 0, planned)
    names = [*run_folder.files_of(request, run, files, context, ""), files.manifest]
    if request.phase.task_type == HANDOFF:
        steps = plan_handoff(request.project.files, request.key, inputs.handoff, services).steps
        commands += [shlex.join(argv) for _, argv in steps]
    return Preview(run, stage, worktree, choice.epoch if choice else 0, tuple(names), tuple(commands), missing)


def _worktree(request: Request, services: Services, choice: Choice | None) -> tuple[WorktreeFacts, list[str]]:
    if request.degraded is not None:
        head = request.repository.head if request.repository else ""
        return WorktreeFacts(request.project.root, "", head, str(request.degraded)), []
    task = task_worktree.planned(request, services)
    exists = os.path.isdir(task.path)
    facts = WorktreeFacts(
        task.path, task.branch, task.base_commit, str(WorktreeStatus.REUSED if exists else WorktreeStatus.CREATED)
    )
    commands = [] if exists else _commands(request, facts, str(request.key))
    if choice is not None:
        path = services.home.stage_worktree(request.key, choice.state.stage)
        facts = WorktreeFacts(path, choice.branch, choice.base_commit, str(WorktreeStatus.CREATED))
        key = StageKey(request.key, choice.state.stage)
        commands += _commands(request, facts, lock_reason(str(key), choice.epoch))
    return facts, commands


def _commands(request: Request, facts: WorktreeFacts, reason: str) -> list[str]:
    top, path, branch = quote(request.checkout.top), quote(facts.path), quote(facts.branch)
    flags = f"--no-checkout --detach --lock --reason {quote(reason)}"
    add = f"git -C {top} worktree add {flags} {path} {facts.base_commit}"
    config = request.project.config
    return [
        add,
        f"git -C {path} reset --hard",
        *(f"bring {quote(entry.path)} from {top}" for entry in config.sync),
        *(f"(cd {path} && {command})" for command in config.worktree_setup),
        f"git -C {top} update-ref refs/heads/{branch} {facts.base_commit}",
        f"git -C {path} symbolic-ref HEAD refs/heads/{branch}",
    ]
