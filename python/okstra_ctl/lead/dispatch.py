"""Dispatching assignments: those without a valid result on disk, side by side, each with one repair."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from .. import git
from ..agents.acp_agents import variables_for
from ..agents.environment import agents_environment
from ..agents.job import IGNORES_TREE, Job, Report
from ..agents.providers import provider
from ..agents.runner import run_job
from ..errors import Interrupted, OkstraError, Refused
from ..guard import authorship, hooks
from ..names import REVIEW
from ..quoting import okstra_command
from ..runs.containment import containment
from ..runs.events import events_of
from ..runs.prompting import fill_file
from ..sandbox.choice import Containment
from ..sandbox.profile import role_of
from ..settings.roster import Worker, access_of
from ..status import Access, WorkerOutcome
from ..system import files
from ..system.foreign_files import clear_way, set_aside
from ..telemetry.attributes import error_of, of_dispatch, of_ending
from ..telemetry.trace import Span
from ..usage.tokens import spent_so_far
from ..worktrees import ports
from . import quota, result_folders
from .announce import announce_stall
from .assignments import Answer, Assignment, CheckedResult, answer_from, check_bytes
from .context import RunContext
from .dispatch_log import log_of, recalled, record_closed, record_end, record_hidden_keys
from .executor_git import OwnGit, with_own_git
from .hold import require_hold
from .result_folders import Drop

_ATTEMPTS = 2
_POLL_SECONDS = 0.2  # seconds


def dispatch(context: RunContext, assignments: Sequence[Assignment]) -> list[Answer]:
    """Returns one answer for each assignment, in their order. Raises Interrupted when the run was stopped, Refused
    (`budget-spent`, `stage-not-held`), WorkFailed when the run's own records can't be written.

    With `--wait-quota`, those whose provider's limit ends in time are asked again when it has ended.
    """
    answers, waited = _dispatch_all(context, assignments), 0.0
    while until := quota.worth_waiting_for(context, answers, waited):
        waited += quota.wait_until(context, until)
        due = [answer.assignment for answer in answers if "" < answer.again_at <= until]
        again = {answer.assignment.name: answer for answer in _dispatch_all(context, due)}
        answers = [again.get(answer.assignment.name, answer) for answer in answers]
    return answers


def _dispatch_all(context: RunContext, assignments: Sequence[Assignment]) -> list[Answer]:
    """All of them side by side, as far as the settings allow."""
    answers: list[Answer] = []
    failed: OkstraError | None = None
    with ThreadPoolExecutor(max_workers=context.settings.max_parallel_workers) as pool:
        for future in [pool.submit(_dispatch_one, context, assignment) for assignment in assignments]:
            try:
                answers.append(_result_of(future))
            except Refused as refused:  # of budget or hold: workers that have started may finish
                failed = failed or refused
            except BaseException:
                context.stop.set()
                raise
    if failed is not None:
        raise failed
    if context.stop.is_set():
        raise Interrupted("interrupted", f"{context.id} was stopped", hint=okstra_command("resume", context.id))
    return answers


def _result_of(future: Future[Answer]) -> Answer:
    """As `future.result()`, which would not notice a signal that arrives just as it starts to wait."""
    while not future.done():
        wait([future], timeout=_POLL_SECONDS)
    return future.result()


def _dispatch_one(context: RunContext, assignment: Assignment) -> Answer:
    answer = recalled(context, assignment)
    if answer.state.counts:
        return answer
    first, prompt = answer.attempts + 1, assignment.prompt
    if (shut := quota.closed(context, assignment.worker)) is not None:
        return record_closed(context, assignment, first, shut.until)
    for attempt in range(first, first + _ATTEMPTS):
        if context.stop.is_set():
            return answer
        _check_budget(context)
        require_hold(context)
        may_retry = attempt - first + 1 < _ATTEMPTS
        name, asked = f"invoke_agent {assignment.worker.id}", of_dispatch(assignment.worker, assignment.label, attempt)
        with context.trace.worker(name, asked) as span:
            answer, prompt = _attempt(context, assignment, prompt, attempt, span, may_retry=may_retry)
        if not prompt:
            break
    return answer


def _attempt(
    context: RunContext, assignment: Assignment, prompt: str, attempt: int, span: Span, *, may_retry: bool
) -> tuple[Answer, str]:
    """Starts the worker once. Returns its answer, and the prompt of one more attempt or nothing."""
    drop = result_folders.new_drop(context, assignment)
    report = _start(context, assignment, prompt, attempt, drop, span)
    taken = result_folders.take_over(context, assignment, drop)
    record_hidden_keys(context, assignment, attempt, taken)
    found = check_bytes(assignment, taken.data, taken.fault)
    answer = answer_from(assignment, found, report.outcome, attempt)._replace(again_at=quota.again_at(context, report))
    repair = ""
    if may_retry and answer.outcome is WorkerOutcome.INVALID_RESULT:
        # Before the end is recorded: `okstra wait` sees by this prompt that the worker is not gone.
        repair = _repair_prompt(context, assignment, found, attempt, taken.left)
    ended = record_end(context, answer, report, attempt, found, taken)
    span.describe(of_ending(ended), error_of(ended))
    result_folders.discard(context, assignment, drop)
    return answer, repair


def _start(context: RunContext, assignment: Assignment, prompt: str, attempt: int, drop: Drop, span: Span) -> Report:
    token = uuid.uuid4().hex
    worker = assignment.worker
    set_aside(assignment.result)  # left by no dispatch, or by one that did not count
    clear_way(log_of(context, assignment, attempt))
    facts = {"worker": worker.id, "label": assignment.label, "attempt": attempt}
    context.record_event("dispatched", **facts, token=token, drop=drop.mark, sandbox=str(context.sandbox.probed.kind))
    result_folders.make(drop)
    context.print_progress(f"{assignment.name}: started ({worker.provider}, {worker.model})")
    options = context.settings.providers.get(worker.provider, {})

    def report(stalled: bool) -> None:
        announce_stall(context, worker.id, assignment.label, attempt, stalled=stalled)

    def start(own: OwnGit) -> Report:
        job = _job(context, assignment, prompt, attempt, token, options, drop, own)
        client = provider(worker.provider, context.settings.providers)
        return run_job(
            job, client, stop=context.stop, inherited={**inherited(context), **span.environment}, report_stall=report
        )

    return with_own_git(context, worker, start)


def _job(
    context: RunContext,
    assignment: Assignment,
    prompt: str,
    attempt: int,
    token: str,
    options: Mapping[str, Any],
    drop: Drop,
    own: OwnGit,
) -> Job:
    worker = assignment.worker
    access = access_of(worker.role)
    worktree_ports = ports_of_run(context)
    return Job(
        worker=worker.id,
        role=worker.role,
        provider=worker.provider,
        model=worker.model,
        prompt=prompt,
        folder=context.folder,
        access=access,
        result=drop.result,
        audit=drop.audit,
        log=log_of(context, assignment, attempt),
        token=token,
        soft_limit=context.settings.soft_limit,
        hard_limit=context.settings.hard_limit,
        stall_after=context.settings.stall_after,
        budget_usd=_budget_left(context),
        writable=(drop.folder, *_git_folders(context, worker, access)),
        readable=(context.run.project.task(context.id.task).root,),
        environment={
            **_facts(context, assignment, attempt),
            **hooks.environment(context.run, worker.role),
            **own.environment,
            **authorship.trace(context.run, worker.id),
            **worktree_ports,
        },
        options=_guarded(context, worker.provider, options),
        home=context.services.home.root,
        run_id=str(context.id),
        opening=result_folders.opening(drop),
        containment=_containment(context, worker, access, options, drop, own, worktree_ports),
        keep_open=own.keep_open,
    )


def _containment(
    context: RunContext,
    worker: Worker,
    access: Access,
    options: Mapping[str, Any],
    drop: Drop,
    own: OwnGit,
    worktree_ports: Mapping[str, str],
) -> Containment | None:
    return containment(
        context.sandbox,
        role_of(access),
        context.folder,
        context.run.project.root,
        hidden=(context.files.drops,),
        results=(drop.folder, context.files.git_trace(worker.id)),
        binds=(*own.binds, *hooks.shown(context.run)),
        variables=(
            *(options.get("env") or ()),
            *variables_for(tuple(options.get("variables", ())), inherited(context)),
            *worktree_ports,
        ),
        ports=tuple(map(int, worktree_ports.values())),
    )


def _guarded(context: RunContext, provider_name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Claude Code asks the guard before each tool that changes something. In a review nobody takes instructions or
    settings from the tree, which strangers may have written."""
    if context.id.task_type == REVIEW:
        options = {**options, IGNORES_TREE: True}
    if provider_name != "claude":
        return dict(options)
    given = options.get("settings")
    return {
        **options,
        "settings": {**(given if isinstance(given, Mapping) else {}), **hooks.client_settings(context.run)},
    }


def ports_of_run(context: RunContext) -> dict[str, str]:
    """The ports of the run's worktree, as variables; none where it works in the project's folder."""
    if context.run.degraded:
        return {}
    return ports.variables_of(context.id.stage_key or context.id.task, context.run.project.root, context.services)


def _git_folders(context: RunContext, worker: Worker, access: Access) -> list[str]:
    """The git folders of a linked worktree, which an executor needs to commit, and the folder of its git traces."""
    repository = git.discover(context.folder) if access is Access.EDIT else None
    return [repository.common_dir, repository.git_dir, context.files.git_trace(worker.id)] if repository else []


def _facts(context: RunContext, assignment: Assignment, attempt: int) -> dict[str, str]:
    facts = {
        "RUN_ID": str(context.id),
        "TASK_KEY": str(context.id.task),
        "PHASE": context.id.task_type,
        "STAGE": str(context.id.stage or ""),
        "ATTEMPT": str(attempt),
        "DRAFT": context.files.report_draft,
        "COMMIT": context.commit,
        **assignment.facts,
    }
    return {f"OKSTRA_{name}": value for name, value in facts.items()}


def inherited(context: RunContext) -> dict[str, str]:
    """The environment that workers inherit: without git's and other runs' variables, with okstra's home and Python."""
    kept = {name: value for name, value in agents_environment().items() if not name.startswith("OKSTRA_")}
    home = context.services.environment.get("OKSTRA_HOME")
    python = context.services.environment.get("OKSTRA_PYTHON")
    return {**kept, **({"OKSTRA_HOME": home} if home else {}), **({"OKSTRA_PYTHON": python} if python else {})}


def _repair_prompt(context: RunContext, assignment: Assignment, found: CheckedResult, attempt: int, left: str) -> str:
    """Writes the same prompt plus what the checks found, for one more attempt of the same worker. Returns its path."""
    data = files.read_bytes(assignment.prompt) or b""
    values = {
        "PROBLEMS": "\n".join(f"- line {one.line}: {one.message} ({one.rule})" for one in found.problems[:40]),
        "REJECTED_PATH": set_aside(assignment.result) or left or "(nothing)",
    }
    path = context.files.repair_prompt(assignment.worker.id, assignment.label, attempt)
    files.replace(path, data + fill_file("includes/repair.md", values).encode())
    return path


def _budget_left(context: RunContext) -> float | None:
    """US dollars, by what is known to be spent; None without a budget."""
    budget = context.requested("budget_usd")
    return max(0.0, float(budget) - spent_so_far(events_of(context.files))) if budget else None


def _check_budget(context: RunContext) -> None:
    left = _budget_left(context)
    if left == 0.0:
        budget = float(context.requested("budget_usd"))
        spent = spent_so_far(events_of(context.files))
        raise Refused(
            "budget-spent",
            f"{context.id} has spent {spent:.2f} of {budget:.2f} US dollars",
            where=context.files.manifest,
            hint=f"{okstra_command('resume', context.id, '--budget', 'MORE')} goes on where it stopped",
        )
