"""Merging done stages into the task branch: built aside, checked, then applied in one step; and forecasting conflicts.

Every merge is made in git's object store; the exit checks run in a checkout of okstra's own; only when all of them
pass is the task branch fast-forwarded. Anything that fails before leaves nothing merged.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import combinations
from typing import NamedTuple

from .. import git
from ..claims.registry_document import TaskClaim
from ..errors import Refused, UsageError, WorkFailed
from ..git import merge
from ..names import IMPLEMENTATION, VERIFICATION, TaskKey
from ..plan import plans
from ..plan.approvals import in_force
from ..plan.model import StageMap, named
from ..proof.checkout import checkouts
from ..proof.command import Runner
from ..quoting import okstra_command, quote
from ..runs.containment import sandbox_of
from ..services import Services
from ..settings.project import Project
from ..settings.trust import require_trusted
from ..status import ClaimStatus, StageStatus
from ..system import files
from ..system.secrets import hide_in_log
from ..tasks import records as task_records
from ..worktrees import half_made
from ..worktrees.half_made import fast_forward
from ..worktrees.restore import restore_worktree
from ..worktrees.unsaved import how_git_shows
from ..worktrees.users import in_use
from .exit_check import Check, CheckRunner, Link, Show, culprits, silent
from .records import current_states, require_gates_of_stages_passed
from .select import DoneStage, StageState, merge_order, next_of_stage
from .shared_integration import Right, integrating

TASK_BRANCH = 0
"""Its number in a `Pair`."""


class Pair(NamedTuple):
    """Two stages in work (0 is the task branch), and the paths in which they conflict."""

    first: int
    second: int
    conflicts: tuple[str, ...]


class Integrated(NamedTuple):
    task_key: str
    branch: str
    commit: str
    merged: tuple[int, ...]
    checks: tuple[Check, ...]
    log: str
    next_step: str
    warnings: tuple[str, ...]


class Subject(NamedTuple):
    """What is integrated: the task's claim, and its newest plan as approved."""

    project: Project
    key: TaskKey
    claim: TaskClaim
    plan: str
    stage_map: StageMap
    repository: git.Repository
    notes: tuple[str, ...]


def integrate(
    project: Project,
    key: TaskKey,
    services: Services,
    show: Show = silent,
    *,
    force: bool = False,
    only: Collection[int] = (),
) -> Integrated:
    """Merges all done stages, or nothing; `only`: of these. A removed task worktree is restored on its branch first.

    Where machines share the task, one of them merges at a time; what another one merged counts. `force`: a person says
    that the machine that merges now is gone.

    Raises Refused (`nothing-to-integrate`, `gates-not-passed`, `merge-conflict`, `worktree-dirty`, `head-moved`,
    `branch-in-use`), WorkFailed (`integration-red`), UsageError (`not-found`), Busy while another integration of the
    task is at work.
    """
    claim = services.registry.read().task(key)
    if claim is not None and claim.status is not ClaimStatus.PROVISIONING and not os.path.isdir(claim.path):
        restore_worktree(key, project, services)
    with in_use(key, "okstra integrate", services), integrating(project.root, key, services, force=force) as right:
        return _integrate(project, key, services, show, right, only)


def _integrate(
    project: Project, key: TaskKey, services: Services, show: Show, right: Right | None, only: Collection[int]
) -> Integrated:
    subject = load_subject(project, key, services)
    require_trusted(project.root, project.config.commands, services)
    half_made.recover_task(key, services.registry.read(), subject.repository, services)
    task = subject.claim.path
    _require_on_its_branch(subject.claim)
    git.require_free_branch(subject.repository, subject.claim.branch, task)
    _require_clean(task)
    head = git.resolve(task, "HEAD") or ""
    states = current_states(subject.plan, subject.stage_map, subject.key, services)
    done = [one for one in _in_order(subject, states) if not only or one.stage in only]
    start = head if right is None else right.start(subject.repository, task, head, done)
    waiting = [one for one in done if not git.is_ancestor(task, one.commit, start)]
    if not waiting and start == head:
        if right is not None and any(git.is_ancestor(task, one.commit, head) for one in done):
            right.publish(head)  # of an earlier call that could not
        raise _nothing_to_merge(subject, services)
    brought = [one.stage for one in done if one not in waiting and not git.is_ancestor(task, one.commit, head)]
    numbers = [done.stage for done in waiting]
    require_gates_of_stages_passed(project.files, key, [state for state in states if state.stage in numbers], task)
    _require_signatures(subject, waiting)
    chain = _build_chain(subject, start, waiting)
    last = chain[-1].commit if chain else start
    log_path = os.path.join(project.files.task(key).run_dir(IMPLEMENTATION), "logs", f"integrate-{last[:12]}.log")
    checks: list[Check] = []
    if chain or right is None or last != right.head:  # else that very commit was checked on the machine that made it
        show(f"merged {named(numbers)} in a trial checkout; the output of the checks: {log_path}")
        checks = _check_chain(subject, chain, last, services, log_path, show)
    git.require_free_branch(subject.repository, subject.claim.branch, task)  # checks take their time
    if not fast_forward(subject.repository, key, subject.claim, head, last):
        raise Refused(
            "head-moved",
            "the task worktree changed while the checks ran",
            where=task,
            hint="call `okstra integrate` again",
        )
    unshared = right.publish(last) if right is not None else ""
    stages = (*brought, *(link.done.stage for link in chain))
    step, warning = _record_next_step(subject, services)
    warnings = (*subject.notes, *filter(None, (unshared, warning)))
    log = log_path if checks else ""
    return Integrated(str(key), subject.claim.branch, last, stages, tuple(checks), log, step, warnings)


def _record_next_step(subject: Subject, services: Services) -> tuple[str, str]:
    """Returns the next step, which is also written to the task's records; and a warning when that failed."""
    step = _next_step(subject, services)
    return step, task_records.try_record_next_step(subject.project.files, subject.key, step)


def _next_step(subject: Subject, services: Services) -> str:
    """Final verification once every stage is in the task branch; before, the next stage."""
    states = current_states(subject.plan, subject.stage_map, subject.key, services)
    if all(state.status is StageStatus.DONE for state in states):
        return okstra_command("run", "--task-key", subject.key, "--task-type", VERIFICATION)
    steps = [next_of_stage(state, str(subject.key)) for state in states]
    return next(filter(None, steps), okstra_command("stage", "list", "--plan", subject.plan))


def _nothing_to_merge(subject: Subject, services: Services) -> Refused:
    states = current_states(subject.plan, subject.stage_map, subject.key, services)
    done = [state.stage for state in states if state.status is StageStatus.DONE]
    left = [f"{state.stage} is {state.status}" for state in states if state.status is not StageStatus.DONE]
    open_ones = f"stage {', stage '.join(left)}" if left else ""
    if not done:
        message = f"no stage of the plan is done yet: {open_ones}"
    elif left:
        message = f"{named(done)} of {len(states)} {'is' if len(done) == 1 else 'are'} merged already; {open_ones}"
    else:
        message = f"all {len(done)} stage(s) of the plan are merged into {subject.claim.branch} already"
    return Refused(
        "nothing-to-integrate",
        message,
        where=subject.claim.path,
        hint=_record_next_step(subject, services)[0],  # an integration that was killed at its end did not record it
        data={"done": done, "stages": len(states)},
    )


def load_subject(project: Project, key: TaskKey, services: Services) -> Subject:
    """Raises UsageError (`not-found`) for a task without a plan or a worktree, Refused (`plan-not-approved`)."""
    claim = services.registry.read().task(key)
    repository = git.discover(project.root)
    if claim is None or repository is None or not os.path.isdir(claim.path):
        raise UsageError("not-found", f"{key} has no worktree to merge into", hint="start a run of the task first")
    path = plans.latest(project.files.task(key))
    if path is None:
        raise UsageError("not-found", f"{key} has no plan", where=project.files.task(key).plans_dir)
    approved = in_force(path, services)
    return Subject(project, key, claim, path, approved.stage_map, repository, approved.notes)


def _done_stages(subject: Subject, services: Services) -> list[DoneStage]:
    return _in_order(subject, current_states(subject.plan, subject.stage_map, subject.key, services))


def _in_order(subject: Subject, states: Sequence[StageState]) -> list[DoneStage]:
    return merge_order(states, {stage.number: stage.exit_check for stage in subject.stage_map.stages})


def _require_on_its_branch(claim: TaskClaim) -> None:
    """Stages are merged into the task's branch, not into one that somebody switched its worktree to."""
    now = git.head_branch(claim.path)
    if now != claim.branch:
        raise Refused(
            "head-moved",
            f"the task worktree is not on its branch {claim.branch} but on {now or 'none'}",
            where=claim.path,
            hint=f"git -C {quote(claim.path)} switch {quote(claim.branch)}, then call `okstra integrate` again",
        )


def _require_clean(task: str) -> None:
    if git.tracked_changes(task):
        raise Refused(
            "worktree-dirty",
            "the task worktree has uncommitted changes",
            where=task,
            hint="commit or stash them, then call `okstra integrate` again"
            + how_git_shows(task, git.dirty_files(task)),
        )


def _require_signatures(subject: Subject, waiting: Sequence[DoneStage]) -> None:
    """As `git merge` does when `merge.verifySignatures` is set."""
    top = subject.repository.top
    if not git.merges_need_signatures(top):
        return
    unsigned = [done for done in waiting if not git.has_valid_signature(top, done.commit)]
    if unsigned:
        stages = [done.stage for done in unsigned]
        raise Refused(
            "signature-missing",
            f"merge.verifySignatures is set, and the last commit of {named(stages)} has no valid signature",
            where=subject.claim.path,
            hint="nothing was merged; okstra run --again RUN of the stage, sign its last commit (git commit --amend "
            "--no-edit -S), then okstra stage done; commit.gpgSign signs from the start; or unset the setting yourself",
            data={"stages": stages, "commits": [done.commit for done in unsigned]},
        )


def _build_chain(subject: Subject, head: str, waiting: Sequence[DoneStage]) -> list[Link]:
    """One merge commit for each stage, on no branch. Raises Refused (`merge-conflict`)."""
    chain: list[Link] = []
    for done in waiting:
        merged = merge.merge_tree(subject.claim.path, head, done.commit)
        if merged.conflicts:
            raise _conflict(done, merged.conflicts, [link.done.stage for link in chain], subject)
        message = f"Merge stage {done.stage} of {subject.key}"
        head = merge.commit_merge(subject.claim.path, merged.tree, [head, done.commit], message)
        chain.append(Link(done, head))
    return chain


def _conflict(done: DoneStage, paths: Sequence[str], before: Sequence[int], subject: Subject) -> Refused:
    after = f" (after {named(before)})" if before else ""
    return Refused(
        "merge-conflict",
        f"stage {done.stage} conflicts with the task branch{after} in {', '.join(paths[:5])}",
        where=subject.claim.path,
        hint=f"nothing was merged; merge it by hand: git -C {quote(subject.claim.path)} merge {done.commit[:12]}",
        data={"stage": done.stage, "paths": list(paths)},
    )


def _check_chain(
    subject: Subject, chain: Sequence[Link], last: str, services: Services, log_path: str, show: Show
) -> list[Check]:
    """Runs every merged stage's exit check on the last commit; secrets are hidden in the log. Raises WorkFailed
    (`integration-red`), which names the stages at fault."""
    try:
        return _run_checks(subject, chain, last, services, log_path, show)
    finally:
        hide_in_log(log_path)


def _run_checks(
    subject: Subject, chain: Sequence[Link], last: str, services: Services, log_path: str, show: Show
) -> list[Check]:
    top = subject.repository.top
    files.open_log(log_path, anew=True).close()
    sandbox = sandbox_of(subject.project.root, services)
    project, repository = subject.project, subject.repository
    with checkouts(project, repository, subject.key, services, log_path=log_path, show=show) as places:
        contained = Runner(subject.project.root, services, sandbox, str(subject.key), log_path)
        runner = CheckRunner(places, contained, top, show)
        everyone = [one for one in _done_stages(subject, services) if git.is_ancestor(top, one.commit, last)]
        checks = [runner.run(done, last) for done in everyone]
        red = [check for check in checks if check.status != 0]
        if red:
            raise _red(red[0], subject, runner, chain, everyone, log_path)
    return checks


def _red(
    check: Check,
    subject: Subject,
    runner: CheckRunner,
    chain: Sequence[Link],
    everyone: Sequence[DoneStage],
    log_path: str,
) -> WorkFailed:
    done = next(one for one in everyone if one.stage == check.stage)
    merged_before = done.stage not in [link.done.stage for link in chain]
    links = [Link(done, git.resolve(subject.claim.path, "HEAD") or ""), *chain] if merged_before else list(chain)
    stages = culprits(runner, done, links)
    together = f"{named(stages)} together turn" if len(stages) > 1 else f"stage {stages[0]} turns"
    return WorkFailed(
        "integration-red",
        f"{together} the exit check of stage {check.stage} red (`{check.command}` ended with {check.status})",
        where=log_path,
        hint=f"nothing was merged; fix it in stage {stages[-1]}: okstra run --again RUN",
        data={"check_of": check.stage, "stages": list(stages), "exit": check.status},
    )


def forecast(subject: Subject, services: Services) -> list[Pair]:
    """Every pair of stages that have commits of their own and are not merged yet, and each with the task branch."""
    task = subject.claim.path
    heads = {TASK_BRANCH: git.resolve(task, "HEAD") or ""}
    for state in current_states(subject.plan, subject.stage_map, subject.key, services):
        head = _head(state, subject)
        if head and not git.is_ancestor(task, head, heads[TASK_BRANCH]):
            heads[state.stage] = head
    return [
        Pair(first, second, merge.merge_tree(task, heads[first], heads[second]).conflicts)
        for first, second in combinations(heads, 2)
    ]


def _head(state: StageState, subject: Subject) -> str:
    """The commit of the stage's work: its branch while in work, its done commit afterwards."""
    if state.status is StageStatus.DONE:
        return state.head_commit
    return (git.branch_commit(subject.repository.top, state.branch) or "") if state.branch else ""
