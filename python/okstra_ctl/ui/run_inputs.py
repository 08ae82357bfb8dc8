"""From the flags of `run` to the inputs of a prepare; at a terminal, asking for what is missing."""

from __future__ import annotations

import argparse
import sys

from ..core.identity import TaskKey
from ..core.models import MODEL_SLOTS
from ..core.paths import ProjectFiles
from ..edges import assets
from ..flows.prepare.inputs import PrepareInputs
from ..flows.project import Project, open_project
from ..flows.task_records import read_manifest
from ..words.errors import UsageError
from .command_table import Call

_QUESTIONS = {
    "task_type": "phase (task type)",
    "task_group": "task group (e.g. an epic)",
    "task_id": "task id (e.g. a ticket)",
}


def gather(args: argparse.Namespace, call: Call) -> PrepareInputs:
    """Raises UsageError (`input-missing`) that lists what is missing when nobody is there to ask."""
    project = open_project(call.start, call.doors)
    given = {name: getattr(args, name) for name in ("task_type", "task_group", "task_id")}
    if args.task_key:
        key = TaskKey.parse(args.task_key)
        given.update(task_group=key.task_group, task_id=key.task_id)
        given["task_type"] = given["task_type"] or _last_phase(project.files, key)
    missing = [name for name, value in given.items() if not value]
    if missing and not (args.ask and sys.stdin.isatty()):
        flags = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise UsageError(
            "input-missing",
            f"{flags} missing",
            where="okstra run",
            hint="okstra run --help; or okstra.sh at a terminal",
        )
    for name in missing:
        given[name] = _ask(name)
    if args.ask and missing and not args.task_brief:
        args.task_brief = _ask_text("brief, a text file (empty for none)")
    return PrepareInputs(
        project_root=project.root,
        project_id=_project_id(args, project),
        brief_path=args.task_brief,
        work_category=args.work_category,
        approved_plan_path=args.approved_plan,
        stage=args.stage,
        base_ref=args.base_ref,
        workers=_parts(args.workers),
        executor=args.executor,
        critic=args.critic,
        provider=args.provider,
        lead=args.lead,
        models={slot: getattr(args, f"{slot.replace('-', '_')}_model") for slot in MODEL_SLOTS},
        directive=args.directive,
        related_tasks=_parts(args.related_tasks),
        clarification_response=args.clarification_response,
        pr_template_path=args.pr_template_path,
        report_language=args.report_language,
        budget_usd=args.budget,
        fix_cycle=args.fix_cycle,
        **given,
    )


def _project_id(args: argparse.Namespace, project: Project) -> str:
    if args.task_key:
        return TaskKey.parse(args.task_key).project_id
    return args.project_id or project.config.project_id


def _last_phase(files: ProjectFiles, key: TaskKey) -> str:
    """The phase of the task's last run: what `--task-key` alone repeats."""
    manifest = read_manifest(files.task(key)) or {}
    last = str(manifest.get("last_run", ""))
    return last.removeprefix(f"{key}/").split("/")[0] if last else ""


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _ask(name: str) -> str:
    if name != "task_type":
        return _ask_text(_QUESTIONS[name])
    phases = list(assets.toml("prompts", "phases.toml"))
    for number, phase in enumerate(phases, 1):
        sys.stderr.write(f"  {number}  {phase}\n")
    while True:
        answer = _ask_text(_QUESTIONS[name])
        if answer in phases:
            return answer
        if answer.isdecimal() and 0 < int(answer) <= len(phases):
            return phases[int(answer) - 1]
        sys.stderr.write(f"  {answer!r} is no phase: type its number or its name\n")


def _ask_text(question: str) -> str:
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise UsageError("input-missing", "the input ended before everything was answered", where=question)
    return line.strip()
