"""The texts of a run: launch prompt, worker prompts, instruction set (templates in `prompts/` and `templates/`)."""

from __future__ import annotations

from collections.abc import Mapping

from ..paths import RunFiles, TaskFiles
from ..plan.model import Stage
from ..runs.prompting import fill_file, worker_prompt
from ..runs.request import Request
from ..settings.roster import Worker
from ..system.text_bytes import text_bytes
from ..tasks.related_tasks import told

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
    files = {run.launch_prompt: fill_file("launch.template.md", known)}
    for worker in request.roster:
        own = {**known, "WORKER_AUDIT_PATH": run.worker_audit(worker.id)}
        result = result_path(run, worker)
        files[run.worker_prompt(worker.id)] = worker_prompt(own, worker, worker.role, result)
    files |= _instruction_set(request.task, request.brief_text, profile)
    return {path: text_bytes(text) for path, text in files.items()}


def result_path(run: RunFiles, worker: Worker) -> str:
    """Where a worker's work product belongs: the report writer's is the report's data."""
    return run.report_data if worker.role == "report-writer" else run.worker_result(worker.id)


def facts(request: Request, run: RunFiles, stage: Stage | None) -> dict[str, str]:
    """What prompts say of the run besides its paths, by placeholder name."""
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
        "RELATED_TASKS": told(request.project.files, request.related) or NONE,
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
    return {f"{folder}/brief.md": brief or "(no brief was given)\n", f"{folder}/profile.md": profile}


def _roster_row(run: RunFiles, worker: Worker) -> str:
    prompt = run.worker_prompt(worker.id)
    return f"| {worker.id} | {worker.role} | {worker.provider} | {worker.model} | `{prompt}` |"


def _stage_block(stage: Stage | None) -> str:
    if stage is None:
        return "This phase works on the whole task."
    steps = "\n".join(f"{step.number}. {step.text}" for step in stage.steps)
    files = ", ".join(f"`{name}`" for name in stage.files)
    exemption = f"\nTDD exemption: {stage.tdd_exemption}\n" if stage.tdd_exemption else ""
    return (
        f"**Stage {stage.number}: {stage.title}.** It is chosen and reserved; choose nothing anew.\n\n"
        f"Planned files: {files}\n\nSteps:\n\n{steps}\n{exemption}\nExit check: `{stage.exit_check}`"
    )


def _bullets(items: object) -> str:
    lines = [f"- {item}" for item in items] if hasattr(items, "__iter__") else []
    return "\n".join(lines) or NONE
