"""What each phase does between its start and its report: one function per task type, which returns the material.

The project's own checks (`qaCommands`), which final-verification rests on, are run here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from .. import git
from ..agents.supervised_process import TIMED_OUT
from ..checks.evidence import recorded_runs
from ..errors import OkstraError, UsageError
from ..names import IMPLEMENTATION, PLANNING, REVIEW, VERIFICATION
from ..proof.checkout import BASE, HEAD, Place, checkouts
from ..proof.command import Runner
from ..report.outcome import CRITIC_GATE, acceptance_tokens, allowed_tokens, review_tokens
from ..report.store import find_reports
from ..results.commands import Seen
from ..results.proofs import Proof, commands_before, open_findings, proof_json, proof_of
from ..results.records import Gate, Mark
from ..runs.evidence_record import recorded_commands
from ..sandbox.profile import Role
from ..settings.project import load_project, project_config
from ..settings.trust import require_trusted
from ..stages.exit_check import shown_exit
from ..system import files
from ..system.secrets import hide_in_log
from . import handoff, implementation
from .analysis import analyse, run_commands
from .context import RunContext
from .converge import Convergence, converge
from .draft import Material, material

SCHEMA = "qa/1"
Lead = Callable[[RunContext], Material]
CHECKS_GATE = "checks"
_ON_THE_WORK = (IMPLEMENTATION, VERIFICATION, REVIEW)
"""What they find is in the work itself: the task's base does not have it."""


def lead_phase(context: RunContext) -> Material:
    """Runs the phase. Raises Interrupted, Refused, WorkFailed; a resume does not repeat what is on disk by then."""
    return _LEADS.get(context.id.task_type, lead_analysis)(context)


def lead_analysis(context: RunContext) -> Material:
    """The analysis phases: analysts, then convergence."""
    collected = analyse(context, context.workers("analyst"))
    converged = converge(context, collected)
    gates = {"convergence": (converged.gate, converged.note)}
    made = material(context, collected, converged.outcomes, gates)
    tokens = allowed_tokens(context.phase.verdict_tokens, gates_only(gates))
    return with_critic(made._replace(tokens=tokens), converged)


def lead_review(context: RunContext) -> Material:
    """review: what it concludes follows from the findings that stand, not from the writer's view of them."""
    made = lead_analysis(context)
    return made._replace(tokens=review_tokens(made.tokens, made.outcomes))


def lead_acceptance(context: RunContext) -> Material:
    """final-verification: the project's own checks are run first, before any analyst is asked."""
    checks = run_checks(context)
    collected = analyse(context, context.workers("analyst"))
    converged = converge(context, collected)
    gates = {"convergence": (converged.gate, converged.note), CHECKS_GATE: checks_gate(checks)}
    made = material(context, collected, converged.outcomes, gates)
    tokens = acceptance_tokens(
        context.phase.verdict_tokens,
        gates_only(gates),
        tuple(made.verdicts.values()),
        converged.outcomes,
        looked_at_all=bool(checks) and critic_gate(converged)[0].open,
    )
    commit = checked_commit(checks) or made.commit
    made = made._replace(
        tokens=tokens,
        commit=commit,
        proofs=tuple(map(proof_json, prove_open_findings(context, commit))),
        checked=checked_rows(checks),
    )
    return with_critic(made, converged)


def with_critic(made: Material, converged: Convergence) -> Material:
    """Adds the critic's row and gate: a critic that did not answer must not read as "nothing found"."""
    if converged.critique is None:
        return made
    gate, note = critic_gate(converged)
    return made._replace(
        answers=(*made.answers, *converged.critique.answers),
        gates={**made.gates, CRITIC_GATE: (gate, note)},
        risks=made.risks if gate.open else (*made.risks, note),
    )


def critic_gate(converged: Convergence) -> tuple[Gate, str]:
    """Open when the run has no critic, or an answer from each."""
    answers = converged.critique.answers if converged.critique else ()
    silent = ", ".join(f"{one.worker.id}: {one.outcome}, {one.state}" for one in answers if not one.state.counts)
    return (Gate.ABORTED, f"nobody has looked for what the analysts missed ({silent})") if silent else (Gate.PASSED, "")


def gates_only(gates: Mapping[str, tuple[Gate, str]]) -> dict[str, Gate]:
    return {name: gate for name, (gate, _) in gates.items()}


_LEADS: dict[str, Lead] = {
    PLANNING: lead_analysis,
    IMPLEMENTATION: implementation.lead_stage,
    "final-verification": lead_acceptance,
    "release-handoff": handoff.lead_handoff,
    REVIEW: lead_review,
}


class CheckRun(NamedTuple):
    command: str
    exit: int
    commit: str
    log: str


def run_checks(context: RunContext) -> tuple[CheckRun, ...]:
    """Runs every command, also after a failed one; commands that were run at this very commit are not run again."""
    commit = (git.resolve(context.folder, "HEAD") or "") if git.discover(context.folder) else ""
    commands = _qa_commands(context)
    known = _recorded_checks(context)
    if known and all(run.commit == commit for run in known) and [run.command for run in known] == list(commands):
        return known
    with _place(context, commit) as place:
        runs = [_run(context, place, command, number) for number, command in enumerate(commands, 1)]
    document = {"schema": SCHEMA, "run_id": str(context.id), "checks": [run._asdict() for run in runs]}
    files.replace_json(context.files.qa, document)
    context.record_event("checks-run", checks=len(runs), red=sum(run.exit != 0 for run in runs))
    return tuple(runs)


@contextmanager
def _place(context: RunContext, commit: str) -> Iterator[Place]:
    """Where they run: a checkout of okstra's own; without git, or without a commit, where the workers worked."""
    repository = git.discover(context.run.project.root) if commit and not context.run.degraded else None
    if repository is None:
        yield Place(context.folder)
        return
    log = context.files.log("qa-setup")
    files.open_log(log, anew=True).close()
    project = load_project(context.run.project.root, context.services)
    key, services, show = context.id.task, context.services, context.print_progress
    with checkouts(project, repository, key, services, log_path=log, stop=context.stop, show=show) as places:
        yield places.at(HEAD, commit)


def _run(context: RunContext, place: Place, command: str, number: int) -> CheckRun:
    log = context.files.log(f"qa-{number}")
    files.open_log(log, anew=True).close()
    runner = Runner(
        context.run.project.root, context.services, context.sandbox, str(context.id), log, context.run, context.stop
    )
    try:
        ran = runner.run_in(place, command, Role.CHECK, limit=context.settings.hard_limit)
    finally:
        hide_in_log(log)
    context.print_progress(f"check `{command}`: {shown_exit(ran)}")
    return CheckRun(command, TIMED_OUT if ran.exit is None else ran.exit, place.commit, log)


def checks_gate(runs: tuple[CheckRun, ...]) -> tuple[Gate, str]:
    red = [f"`{run.command}` exit {run.exit}" for run in runs if run.exit != 0]
    if red:
        return Gate.FAILED, "; ".join(red)
    return Gate.PASSED, "" if runs else "project.json names no qaCommands: nothing was run"


def checked_commit(runs: tuple[CheckRun, ...]) -> str:
    return runs[0].commit if runs else ""


def checked_rows(runs: tuple[CheckRun, ...]) -> tuple[dict[str, str], ...]:
    return tuple(
        {"what": run.command, "how": f"run by okstra, log {run.log}", "result": f"exit {run.exit}"} for run in runs
    )


def _qa_commands(context: RunContext) -> tuple[str, ...]:
    path = context.run.project.config
    config = project_config(files.read_json(path), where=path, environment=context.services.environment)
    require_trusted(context.run.project.root, config.commands, context.services)  # a worker may have edited them by now
    return config.qa_commands


def _recorded_checks(context: RunContext) -> tuple[CheckRun, ...]:
    document: dict[str, Any] = files.read_json(context.files.qa, SCHEMA) or {}
    try:
        return tuple(CheckRun(**row) for row in document.get("checks", []))
    except TypeError as error:
        raise UsageError(
            "bad-config", f"the record of checks can't be read: {error}", where=context.files.qa
        ) from error


def prove_open_findings(context: RunContext, head: str) -> tuple[Proof, ...]:
    """Raises as `proof.cited_commands.see_commands`."""
    base = context.run.base_commit
    findings = open_findings(
        _earlier_reports(context), lambda report: report["commit"] if report["task_type"] in _ON_THE_WORK else base
    )
    if not findings or not head:
        return ()
    for commit, cited in commands_before(findings).items():
        run_commands(context, cited, commit, checkout=BASE)
    run_commands(context, {command: () for finding in findings for command, _ in finding.commands}, head)
    # One run on each side may be chance: what comes and goes by itself does not turn twice.
    turned = [finding for finding in findings if proof_of(finding, head, _seen(context, head)).mark is Mark.PROVEN]
    for commit, cited in commands_before(turned).items():
        run_commands(context, cited, commit, checkout=BASE, twice=True)
    run_commands(context, {command: () for finding in turned for command, _ in finding.commands}, head, twice=True)
    seen = _seen(context, head)
    return tuple(proof_of(finding, head, seen) for finding in findings)


def _seen(context: RunContext, head: str) -> dict[tuple[str, str], Seen]:
    seen = {(one.command, one.commit): one for one in recorded_commands(context.files)}
    return seen | {(command, head): one for command, one in recorded_runs(context.run, head).items()}


def _earlier_reports(context: RunContext) -> Iterator[dict[str, Any]]:
    """Those of the task, newest first. One that can't be read has nothing to prove: `okstra check run` names it."""
    for found in find_reports(context.run.project, task_key=str(context.id.task)):
        if found.run_id == str(context.id):
            continue
        try:
            report = files.read_json(f"{found.path.removesuffix('.md')}.data.json")
        except OkstraError:
            continue
        if report is not None:
            yield report
