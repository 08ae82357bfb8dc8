"""The texts of a run: launch prompt, worker prompts, instruction set (templates in `prompts/` and `templates/`)."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.paths import RunFiles, TaskFiles
from ...core.plan.records import Stage
from ...core.roster import Worker
from ...core.template import UnknownPlaceholder, fill
from ...edges import assets
from ...words.errors import Missing
from .request import Request

_NONE = "(none)"


def render(request: Request, run: RunFiles, values: Mapping[str, str], stage: Stage | None) -> dict[str, bytes]:
    """Every prompt of the run, by path. `values` are the run's paths and facts by placeholder name."""
    known = {**values, **_facts(request, run, stage)}
    known["PROFILE"] = _fill(f"profiles/{request.phase.task_type}.md", known)
    files = {run.launch_prompt: _fill("launch.template.md", known)}
    preamble = assets.text("templates", "worker-prompt-preamble.md")
    for worker in request.roster:
        files[run.worker_prompt(worker.id)] = _fill_text(
            preamble, "worker-prompt-preamble.md", known | _of_worker(run, worker)
        )
    files |= _instruction_set(request.task, request.brief_text, known["PROFILE"])
    return {path: text.encode("utf-8", "surrogateescape") for path, text in files.items()}


def _instruction_set(task: TaskFiles, brief: str, profile: str) -> dict[str, str]:
    folder = task.instruction_set
    return {f"{folder}/brief.md": brief or "(no brief was given)\n", f"{folder}/profile.md": profile}


def _facts(request: Request, run: RunFiles, stage: Stage | None) -> dict[str, str]:
    inputs, phase = request.inputs, request.phase
    return {
        "PHASE_TITLE": phase.title,
        "PHASE_SUMMARY": phase.summary,
        "REPORT_HOLDS": _bullets(phase.report_holds),
        "ALLOWED": _bullets(phase.allowed),
        "FORBIDDEN": _bullets(phase.forbidden),
        "USUAL_NEXT": phase.usual_next,
        "BRIEF": request.brief_text.strip() or _NONE,
        "BRIEF_PATH": request.brief or _NONE,
        "DIRECTIVE": inputs.directive or _NONE,
        "RELATED_TASKS": ", ".join(inputs.related_tasks) or _NONE,
        "CLARIFICATION_RESPONSE": inputs.clarification_response or _NONE,
        "REPORT_LANGUAGE": request.language,
        "WORK_CATEGORY": request.category,
        "QA_COMMANDS": _bullets(f"`{command}`" for command in request.project.config.qa_commands),
        "PLAN_PATH": request.plan or _NONE,
        "STAGE_BLOCK": _stage_block(stage),
        "ROSTER": "\n".join(_roster_row(run, worker) for worker in request.roster),
        "LEAD_MODEL": request.lead_model,
    }


def _of_worker(run: RunFiles, worker: Worker) -> dict[str, str]:
    return {
        "WORKER_ID": worker.id,
        "WORKER_ROLE": worker.role,
        "WORKER_PROVIDER": worker.provider,
        "WORKER_MODEL": worker.model,
        "WORKER_RESULT_PATH": run.worker_result(worker.id),
        "WORKER_AUDIT_PATH": run.worker_audit(worker.id),
    }


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
    return "\n".join(lines) or _NONE


def _fill(name: str, values: Mapping[str, str]) -> str:
    return _fill_text(assets.text("prompts", *name.split("/")), name, values)


def _fill_text(text: str, name: str, values: Mapping[str, str]) -> str:
    try:
        return fill(text, values)
    except UnknownPlaceholder as missing:
        raise Missing("assets-missing", f"{name} asks for {missing}, which no run has", where=name) from missing
