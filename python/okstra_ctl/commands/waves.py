"""`okstra run --all-ready` from the command line."""

from __future__ import annotations

import threading

from ..command_table import Call
from ..errors import UsageError
from ..lead.child_run import run_command
from ..names import IMPLEMENTATION, TaskKey
from ..output import Reply, fields
from ..quoting import okstra_command, quote
from ..runs.request import PrepareInputs
from ..settings.project import Project, open_project
from ..settings.trust import TRUST_VARIABLE
from .leading import say, stopped_by_signals


def preview_all(inputs: PrepareInputs, jobs: int, call: Call) -> Reply:
    """What `lead_all` would start first; nothing is written. Raises as `lead_all`."""
    from ..lead.batch import ready_stages

    project, key = _task_of(inputs, jobs, call)
    words = [*command_of(inputs, key, project.root), *_trusting(call)]
    stages = [entry.words[-1] for entry in ready_stages(project, key, call.doors)]
    commands = [" ".join(map(quote, [*words, "--stage", stage])) for stage in stages]
    lines = [f"would run  {command}" for command in commands]
    return Reply({"stages": [int(stage) for stage in stages], "commands": commands}, "\n".join(lines))


def lead_all(inputs: PrepareInputs, jobs: int, call: Call) -> Reply:
    """Raises UsageError (`usage`) for another phase; else as `run_waves`."""
    from ..lead.waves import run_waves

    project, key = _task_of(inputs, jobs, call)
    stop = threading.Event()
    with stopped_by_signals(stop):
        done = run_waves(
            project, key, [*command_of(inputs, key, project.root), *_trusting(call)], jobs, call.doors, stop, say
        )
    shown = [(f"stage {one.stage}", f"{one.said}  {one.run_id}") for one in done.stages]
    following = okstra_command("run", "--task-key", key, "--task-type", "final-verification")
    data = {
        "stages": [one._asdict() for one in done.stages],
        "commits": list(done.commits),
        "next": [following],
    }
    return Reply(data, fields([*shown, ("merged", done.commits[-1] if done.commits else ""), ("next", following)]))


def _task_of(inputs: PrepareInputs, jobs: int, call: Call) -> tuple[Project, TaskKey]:
    if inputs.task_type != IMPLEMENTATION or jobs < 1:
        hint = "okstra run --task-key KEY --task-type implementation --all-ready --jobs 2"
        raise UsageError("usage", "--all-ready is for implementation, with at least one job", hint=hint)
    project = open_project(call.start, call.doors)
    return project, TaskKey.make(project.config.project_id, inputs.task_group, inputs.task_id)


def _trusting(call: Call) -> list[str]:
    return ["--trust"] if call.doors.environment.get(TRUST_VARIABLE) == "1" else []


def command_of(inputs: PrepareInputs, key: TaskKey, root: str) -> list[str]:
    """What starts one stage's run, with all that this one was asked for."""
    flags = {
        "workers": ",".join(inputs.workers),
        "executor": inputs.executor,
        "provider": inputs.provider,
        "directive": inputs.directive,
        "related-tasks": ",".join(inputs.related_tasks),
        "fix-cycle": inputs.fix_cycle,
        "report-language": inputs.report_language,
        "budget": inputs.budget_usd,
        **{f"{slot}-model": model for slot, model in inputs.models.items()},
    }
    given = [f"--{name}={value}" for name, value in flags.items() if value]
    base = ["--task-key", str(key), "--task-type", IMPLEMENTATION, "--lead", "auto", "--project-root", root]
    return run_command([*base, *given])
