"""Writing a run's folder. The manifest is not among these files: it is a commit point, and written later."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..names import RunId
from ..paths import RunFiles, TaskFiles, compute_run_paths
from ..plan.model import Stage
from ..runs.manifest import WorktreeFacts, new_context, new_team_state
from ..runs.prompting import fill_file, worker_prompt
from ..runs.request import Request
from ..settings.roster import Worker
from ..system import assets, files
from ..system.locks import LockKind, locked
from ..system.text import encode_line, text_bytes
from ..tasks.brief import NO_BRIEF
from ..tasks.records import names_for_prompt
from ..worktrees.create import UndoStack

NONE = "(none)"
LANGUAGE_NAMES = {"en": "English", "ko": "Korean"}


def render(request: Request, run: RunFiles, values: Mapping[str, str]) -> dict[str, bytes]:
    """Every prompt of the run, by path. `values` are the run's context (`facts` among them)."""
    profile = fill_file(f"profiles/{request.phase.task_type}.md", values)
    known = {
        **values,
        "PROFILE": profile,
        "BRIEF": request.brief_text.strip() or NONE,
        "ROSTER": "\n".join(_roster_row(run, worker) for worker in request.roster),
    }
    contents = {run.launch_prompt: fill_file("launch.template.md", known)}
    for worker in request.roster:
        own = {**known, "WORKER_AUDIT_PATH": run.worker_audit(worker.id)}
        result = result_path(run, worker)
        contents[run.worker_prompt(worker.id)] = worker_prompt(own, worker, worker.role, result)
    contents |= _instruction_set(request.task, request.brief_text, profile)
    return {path: text_bytes(text) for path, text in contents.items()}


def result_path(run: RunFiles, worker: Worker) -> str:
    """The path of a worker's work product; the report writer's is the report's data."""
    return run.report_data if worker.role == "report-writer" else run.worker_result(worker.id)


def facts(request: Request, run: RunFiles, stage: Stage | None) -> dict[str, str]:
    """The values of prompts' placeholders, besides paths, by name."""
    inputs, phase = request.inputs, request.phase
    executors = [worker.id for worker in request.roster if worker.role == "executor"]
    return {
        "PHASE_TITLE": phase.title,
        "PHASE_SUMMARY": phase.summary,
        "REPORT_HOLDS": _bullets(phase.report_holds),
        "ALLOWED": _bullets(phase.allowed),
        "FORBIDDEN": _bullets(phase.forbidden),
        "USUAL_NEXT": phase.usual_next,
        "BRIEF_PATH": request.brief or NONE,
        "DIRECTIVE": inputs.directive or NONE,
        "RELATED_TASKS": names_for_prompt(request.project.files, request.related) or NONE,
        "CLARIFICATION_RESPONSE": request.answers.prompt if request.answers else NONE,
        "REPORT_LANGUAGE": request.language,
        "LANGUAGE_NAME": LANGUAGE_NAMES[request.language],
        "WORK_CATEGORY": request.category,
        "QA_COMMANDS": _bullets(f"`{command}`" for command in request.project.config.qa_commands),
        "PLAN_PATH": request.plan or NONE,
        "STAGE_BLOCK": _stage_block(stage),
        "LEAD_MODEL": request.lead_model,
        "VERDICT_FIELD": f"    verdict: <{' or '.join(phase.worker_verdicts)}>\n" if phase.worker_verdicts else "",
        "EXECUTOR_RESULT_PATH": run.worker_result(executors[0]) if executors else NONE,
    }


def _instruction_set(task: TaskFiles, brief: str, profile: str) -> dict[str, str]:
    folder = task.instruction_set
    return {f"{folder}/brief.md": brief or f"{NO_BRIEF}\n", f"{folder}/profile.md": profile}


def _roster_row(run: RunFiles, worker: Worker) -> str:
    prompt = run.worker_prompt(worker.id)
    return f"| {worker.id} | {worker.role} | {worker.provider} | {worker.model} | `{prompt}` |"


def _stage_block(stage: Stage | None) -> str:
    if stage is None:
        return "This phase works on the whole task."
    steps = "\n".join(f"{step.number}. {step.text}" for step in stage.steps)
    contents = ", ".join(f"`{name}`" for name in stage.files)
    exemption = f"\nTDD exemption: {stage.tdd_exemption}\n" if stage.tdd_exemption else ""
    return (
        f"**Stage {stage.number}: {stage.title}.** It is chosen and reserved; choose nothing anew.\n\n"
        f"Planned files: {contents}\n\nSteps:\n\n{steps}\n{exemption}\nExit check: `{stage.exit_check}`\n\n"
        f"Proof: {stage.proof}"
    )


def _bullets(items: object) -> str:
    lines = [f"- {item}" for item in items] if hasattr(items, "__iter__") else []
    return "\n".join(lines) or NONE


class Draft(NamedTuple):
    """A run under way to its commit point. `notes` end up in its manifest."""

    run: RunId
    files: RunFiles
    stage: Stage | None
    epoch: int
    worktree: WorktreeFacts
    notes: list[str]


def compute_and_write_run_context(request: Request, draft: Draft, at: str, undo: UndoStack) -> dict[str, str]:
    """Writes the run's folder; returns every path and fact of the run by name. Raises WorkFailed, Missing."""
    context = context_of(request, draft.run, draft.worktree, draft.epoch, draft.stage)
    contents = files_of(request, draft.run, draft.files, context, at)
    shared = {path: data for path, data in contents.items() if _is_shared(path)}
    own = {path: data for path, data in contents.items() if path not in shared}
    undo.push(lambda: discard_files(own))
    files.write_new(own)
    files.make_folder(os.path.dirname(draft.files.report))  # a person or a session puts what was asked for there
    _write_shared(request, shared)
    return context


def _write_shared(request: Request, contents: dict[str, bytes]) -> None:
    """Writes the task's instruction set. Other runs read it meanwhile, so each file is replaced atomically."""
    with locked(LockKind.INDEX, request.project.files.lock):
        for path, data in contents.items():
            if files.read_bytes(path) != data:
                files.make_folder(os.path.dirname(path))
                files.replace(path, data)


def context_of(
    request: Request, run: RunId, worktree: WorktreeFacts, epoch: int, stage: Stage | None
) -> dict[str, str]:
    """Every path and fact of the run, by the names that prompts use."""
    paths = compute_run_paths(
        project_root=request.project.root,
        workspace_root=assets.root(),
        project_id=run.task.project_id,
        task_group=run.task.task_group,
        task_id=run.task.task_id,
        task_type=run.task_type,
        run_seq_override=run.seq,
        stage=run.stage,
    )
    return {
        **paths,
        **(_stage_names(stage, worktree) if stage else {}),
        "WORKTREE_PATH": worktree.path,
        "WORKTREE_BRANCH": worktree.branch or "(none)",
        "WORKTREE_BASE_COMMIT": worktree.base_commit or "(none)",
        "WORKTREE_STATUS": worktree.status,
        "RUN_EPOCH": str(epoch),
        **facts(request, request.task.run_of(run), stage),
    }


class StageSelection(NamedTuple):
    """The stage of an implementation run: selected, reserved and provisioned once, and only passed on from there."""

    stage: int
    worktree_path: str
    worktree_branch: str
    worktree_base_ref: str
    worktree_status: str
    worktree_note: str
    started_head_commit: str


def stage_selection(stage: Stage, worktree: WorktreeFacts) -> StageSelection:
    """`worktree_note` says why there is no worktree, if there is none."""
    base, status = worktree.base_commit, worktree.status
    note = f"no worktree: {status.removeprefix('skipped-')}" if status.startswith("skipped") else ""
    return StageSelection(stage.number, worktree.path, worktree.branch, base, status, note, base)


def _stage_names(stage: Stage, worktree: WorktreeFacts) -> dict[str, str]:
    chosen = stage_selection(stage, worktree)
    return {
        "EFFECTIVE_STAGES": str(chosen.stage),
        "STAGE_BATCH_DIRECTIVE": f"This run carries out stage {chosen.stage}, which it has reserved, and no other.",
        "EXECUTOR_WORKTREE_PATH": chosen.worktree_path,
        "EXECUTOR_WORKTREE_BRANCH": chosen.worktree_branch,
        "EXECUTOR_WORKTREE_BASE_REF": chosen.worktree_base_ref,
        "EXECUTOR_WORKTREE_STATUS": chosen.worktree_status,
        "EXECUTOR_WORKTREE_NOTE": chosen.worktree_note,
    }


def files_of(request: Request, run: RunId, run_files: RunFiles, context: dict[str, str], at: str) -> dict[str, bytes]:
    """The bytes of every file in the run's folder except its manifest, by path."""
    event = {"v": 1, "at": at, "event": "prepared", "run_id": str(run)}
    answers = request.answers
    return {
        **render(request, run_files, context),
        run_files.run_context: files.json_bytes(new_context(run, context)),
        run_files.team_state: files.json_bytes(new_team_state(run, request.roster)),
        run_files.events: encode_line(event),
        **({run_files.user_response: answers.text.encode("utf-8")} if answers else {}),
    }


def discard_files(contents: Iterable[str]) -> None:
    """Removes the run's own files; shared ones (the task's instruction set) stay."""
    for path in contents:
        files.discard(path)


def _is_shared(path: str) -> bool:
    return os.path.basename(os.path.dirname(path)) == "instruction-set"
