"""One stage: the executor builds it, the verifiers review the diff, the exit check and `stage done` close it.

A stage that fails verification goes back to the executor once, with the findings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import git
from ..errors import Interrupted, OkstraError
from ..guard import receipt
from ..plan.model import Stage
from ..results.commands import cited_commands
from ..results.convergence import group_findings, unverified
from ..results.documents import evidence_json
from ..results.records import Gate, Problem
from ..results.worker import check_identity, parse_executor_result
from ..runs.prompting import fill_file, worker_prompt
from ..settings.roster import Worker
from ..stages.done import (
    check_commits,
    check_recorded,
    close_stage,
    is_recorded_done,
    recorded_folder,
    require_claimed_folder,
)
from ..stages.exit_check import DoneOverrides, Supervision
from ..system import files
from ..system.text import text_bytes
from .analysis import Collected, check_evidence, cited_in, collect, recall, result_assignment, run_commands
from .assignments import MAIN, Answer, Assignment, write_request
from .context import RunContext
from .dispatch import dispatch
from .draft import Material, material
from .voices import voices_of

_PASS = "pass"
_UNPROVEN = "stage-unproven"


class StageProgress(NamedTuple):
    """How far the stage came: its last executor's answer, the last verification, and the gates so far. The verifiers'
    findings are kept when the turn that was to fix them fails."""

    executor: Answer
    verified: Collected
    gates: Mapping[str, tuple[Gate, str]]


def lead_stage(context: RunContext) -> Material:
    stage = context.run.stage(context.services)
    built = _build(context, stage)
    gates = dict(built.gates)
    broken = receipt.finish(context.run, context.services, context.begun).breaches
    if broken:  # a run that broke its isolation does not record its stage as done
        gates["contract"] = (Gate.FAILED, f"{len(broken)} breach(es) of isolation")
    if all(gate.open for gate, _ in gates.values()):
        gates["stage-done"] = _finish(context)
    return _material(context, built, gates)


def _build(context: RunContext, stage: Stage) -> StageProgress:
    """Executor, then verifiers; a second turn of both when the first fails and the phase allows two rounds.

    A run that is resumed in its second turn stays there: the first turn's verdicts are about other commits.
    """
    first = _turn_reached(context)
    earlier = [_verification(context, worker, first - 1) for worker in context.workers("verifier")] if first > 1 else []
    verified = recall(context, earlier)
    complaint = ""
    for turn in range(first, max(first, context.settings.rules.max_rounds) + 1):
        executor = _run_executor(context, stage, turn, complaint)
        if executor.text is None:
            return StageProgress(
                executor, verified, {"execution": (Gate.FAILED, f"{executor.outcome}, {executor.state}")}
            )
        fault = _commits_fault(context, stage)
        if fault:
            gates = {"execution": (Gate.FAILED, fault)}
            built = StageProgress(executor, verified, gates)
            complaint = f"- {fault}"
        else:
            head = _head(context)
            verified = _run_verifiers(context, turn, head)
            gates = {"execution": (Gate.PASSED, ""), "verification": _verdict(context, verified)}
            if _head(context) != head:
                gates["verification"] = (Gate.FAILED, f"HEAD was {head[:12]} when the verifiers were asked")
            built = StageProgress(executor, verified, gates)
            complaint = _complaint(verified)
        if all(gate.open for gate, _ in gates.values()) or not complaint:
            break
    return built


def _turn_reached(context: RunContext) -> int:
    """The newest turn whose executor's prompt is on disk."""
    (worker,) = context.workers("executor")
    turn = 1
    while os.path.exists(context.files.extra_prompt(worker.id, _label(turn + 1))):
        turn += 1
    return turn


def _label(turn: int) -> str:
    return MAIN if turn <= 1 else f"turn-{turn}"


def _run_executor(context: RunContext, stage: Stage, turn: int, complaint: str) -> Answer:
    worker = context.workers("executor")[0]
    steps = tuple(step.number for step in stage.steps)

    def check(text: str) -> list[Problem]:
        result, problems = parse_executor_result(text, steps=steps)
        return [*problems, *check_identity(result.fields, task_key=str(context.id.task), worker=worker.id)]

    label, result = _label(turn), _result_path(context, worker, turn)
    prompt = context.files.extra_prompt(worker.id, label) if label else context.files.worker_prompt(worker.id)
    if complaint:
        _write_turn_prompt(context, worker, label, "executor", complaint)
    facts = {"STEPS": "\n".join(map(str, steps)), "FILES": "\n".join(stage.files), "ROUND": label}
    return dispatch(context, [Assignment(worker, label, prompt, result, check, lambda text: False, facts)])[0]


def _run_verifiers(context: RunContext, turn: int, head: str) -> Collected:
    """Asks the verifiers about exactly these commits: a verdict on others, given before a resume, does not count."""
    assignments = []
    for worker in context.workers("verifier"):
        assignment = _verification(context, worker, turn)
        if turn > 1:
            _write_turn_prompt(context, worker, assignment.label, "verifier", "")
        subject = context.files.extra_prompt(worker.id, "-".join(filter(None, [assignment.label, "commits"])))
        write_request(subject, f"To verify: {context.run.base_commit}..{head}\n".encode(), assignment.result)
        assignments.append(assignment)
    return collect(context, assignments)


def _verification(context: RunContext, worker: Worker, turn: int) -> Assignment:
    label = _label(turn)
    prompt = context.files.extra_prompt(worker.id, label) if label else ""
    return result_assignment(context, worker, label=label, prompt=prompt, result=_result_path(context, worker, turn))


def _head(context: RunContext) -> str:
    return git.resolve(context.folder, "HEAD") or "" if context.run.base_commit else ""


def _result_path(context: RunContext, worker: Worker, turn: int) -> str:
    label = _label(turn)
    return context.files.worker_answers(worker.id, label) if label else context.files.worker_result(worker.id)


def _write_turn_prompt(context: RunContext, worker: Worker, label: str, part: str, complaint: str) -> None:
    values = {**context.values, "WORKER_AUDIT_PATH": context.files.worker_audit(worker.id)}
    executor = context.workers("executor")[0]
    values["EXECUTOR_RESULT_PATH"] = context.files.worker_answers(executor.id, label)
    result = context.files.worker_answers(worker.id, label)
    text = worker_prompt(values, worker, part, result)
    if complaint:
        text += fill_file("includes/second-turn.md", {"COMPLAINT": complaint})
    write_request(context.files.extra_prompt(worker.id, label), text_bytes(text), result)


def _commits_fault(context: RunContext, stage: Stage) -> str:
    """Why the stage's commits can't be verified; empty when they can. A degraded run has no commits to look at.

    An existing `done` row proves nothing about them: this lead has not written it.
    """
    try:
        folder = (recorded_folder if is_recorded_done(context.run) else require_claimed_folder)(
            context.run, context.services
        )
        if context.run.base_commit:
            check_commits(folder, context.run.base_commit, stage, DoneOverrides())
    except OkstraError as error:
        return error.message
    return ""


def _verdict(context: RunContext, verified: Collected) -> tuple[Gate, str]:
    """Passed when enough voices verified the stage and all of them pass it, one at least of another family than the
    executor's: a failure is never outvoted, and nobody passes its own work. Only a quorum of one lets it."""
    (executor,) = context.workers("executor")
    judges = [answer.worker for answer in verified.answers if answer.worker.id in verified.results]
    found = voices_of(context, [executor, *judges])
    heard, author = {found[judge.id] for judge in judges}, found[executor.id]
    failed = [worker for worker, result in verified.results.items() if result.verdict != _PASS]
    if failed:
        return Gate.FAILED, f"failed by {', '.join(failed)}"
    silent = [f"{worker} ({state})" for worker, state in verified.states.items() if not state.counts]
    if len(heard) < context.quorum:
        note = f"{len(heard)} of {context.quorum} voices answered"
        return Gate.ABORTED, note + (f"; not: {', '.join(silent)}" if silent else "")
    alone = [] if heard - {author} else [f"only {author}, which carried it out, has passed it: the quorum is 1"]
    return Gate.PASSED, "; ".join([*alone, *([f"not heard: {', '.join(silent)}"] if silent else [])])


def _complaint(verified: Collected) -> str:
    return "\n".join(
        f"- [{one.severity}] {one.title}: {one.claim} ({'; '.join(line.as_text() for line in one.evidence)})"
        for result in verified.results.values()
        if result.verdict != _PASS
        for one in result.findings
    )


def _finish(context: RunContext) -> tuple[Gate, str]:
    """Records the stage as done. A stage that is recorded already, by a killed lead or by somebody else, is checked
    like any other before it counts."""
    watch = Supervision(context.settings.hard_limit, context.stop, print_progress=context.print_progress)
    try:
        finish = check_recorded if is_recorded_done(context.run) else close_stage
        done = finish(context.run, DoneOverrides(), context.services, watch)
    except Interrupted:
        raise
    except OkstraError as error:
        shown = error.code == _UNPROVEN or error.code.startswith("remote-")
        return Gate.FAILED, "; ".join(filter(None, [error.message, error.hint if shown else ""]))
    approved = context.run.approved(context.services)
    check = f"exit check `{done.exit_check}` exit 0, {done.proof}"
    return Gate.PASSED, "; ".join([check, *approved.notes])


def _material(context: RunContext, built: StageProgress, gates: Mapping[str, tuple[Gate, str]]) -> Material:
    tokens = context.phase.verdict_tokens
    done = all(gate.open for gate, _ in gates.values()) and "stage-done" in gates
    groups = group_findings({worker: result.findings for worker, result in built.verified.results.items()})
    base, head = context.run.base_commit, _head(context)
    cited = cited_in(built.verified)
    run_commands(context, cited_commands(cited), head)
    checks = check_evidence(context, cited, head)
    outcomes = [unverified(group, built.verified.voices, checks, silent=built.verified.silent) for group in groups]
    made = material(context, built.verified, outcomes, gates)
    return made._replace(
        answers=(built.executor, *built.verified.answers),
        tokens=tokens[:1] if done else tokens[-1:],
        commit=head,
        commits=tuple(git.commit_subjects(context.folder, base, head)) if base and head else (),
        steps=_step_rows(built, context.run.stage(context.services)),
        checked=_exit_check_row(context),
    )


def _step_rows(built: StageProgress, stage: Stage) -> tuple[dict[str, Any], ...]:
    if built.executor.text is None:
        return ()
    result, _ = parse_executor_result(built.executor.text, steps=[step.number for step in stage.steps])
    return tuple(
        {
            "step": step.number,
            "done": step.done,
            "evidence": [evidence_json(line) for line in step.evidence],
            "note": step.note,
        }
        for step in result.steps
    )


def _exit_check_row(context: RunContext) -> tuple[dict[str, str], ...]:
    record = files.read_json(context.files.exit_check)
    if record is None:
        return ()
    proof = record.get("proof")
    outcome = f", {proof.get('outcome')}" if isinstance(proof, Mapping) else ""
    how = f"exit check run by okstra at {str(record.get('commit'))[:12]}, log {record.get('log')}"
    return ({"what": str(record.get("command")), "how": how, "result": f"exit {record.get('exit')}{outcome}"},)
