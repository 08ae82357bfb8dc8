"""Runs one phase of a task: prepares worktree, run folder, prompts and manifest, then starts the lead."""

from __future__ import annotations

import os
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from ..errors import Refused, UsageError
from ..names import HANDOFF, IMPLEMENTATION, TaskKey
from ..options import add_sandbox_flag, add_trust_flag, add_wait_quota, sandbox_flag, with_sandbox, with_trust
from ..output import Reply, confirm, fields
from ..paths import ProjectFiles
from ..quoting import okstra_command, quote
from ..runs.request import PrepareInputs
from ..services import Call
from ..settings.project import Project, open_project
from ..settings.roster import MODEL_SLOTS
from ..settings.trust import TRUST_VARIABLE
from ..system.signals import stopped_by_signals
from .leading import AUTO, CLAUDE, choose_lead, hand_over, progress_of
from .run_inputs import add_handoff_flags, confirm_handoff, gather, name_new_task
from .trust import settle

_TEXTS = {
    "--task-brief": ("PATH", "the request, a text file; a new task needs one"),
    "--issue": (
        "N|URL",
        "the request is that issue at GitHub, read with gh: its text, and comments of its maintainers",
    ),
    "--request": ("TEXT", "the request itself, where it is a sentence or two"),
    "--work-category": (
        "C",
        "feature, bugfix, refactor, ops, improvement, docs or chore: the branch's prefix (default: by the phase)",
    ),
    "--approved-plan": ("PATH", "the plan of an implementation run (default: the task's newest)"),
    "--base-ref": ("REF", "where a new task worktree starts (default: HEAD)"),
    "--executor": ("P", "the provider that carries the stage out"),
    "--provider": ("P", "one provider for every worker, e.g. rehearsal"),
    "--critic": ("P", "a provider that looks for what the others missed, or off"),
    "--directive": ("TEXT", "extra instructions for every worker"),
    "--related-tasks": ("A,B", "keys of related tasks"),
    "--clarification-response": ("PATH", "answers to a report's questions"),
    "--pr-template-path": ("PATH", "the pull request's template"),
    "--budget": ("USD", "stop dispatching when the run has spent it"),
    "--quorum": ("N", "how many voices (model families) have to answer (default: convergence.quorum, or 2)"),
}


def preview_all(inputs: PrepareInputs, jobs: int, call: Call) -> Reply:
    """What `lead_all` would start first; nothing is written. Raises as `lead_all`."""
    from ..lead.waves import ready_stages

    project, key = _task_of(inputs, jobs, call)
    words = [*command_of(inputs, key, project.root), *_trusting(call)]
    stages = [entry.words[-1] for entry in ready_stages(project, key, call.services)]
    commands = [" ".join(map(quote, [*words, "--stage", stage])) for stage in stages]
    lines = [f"would run  {command}" for command in commands]
    return Reply({"stages": [int(stage) for stage in stages], "commands": commands}, "\n".join(lines))


def lead_all(inputs: PrepareInputs, jobs: int, call: Call) -> Reply:
    """Raises UsageError (`usage`) for another phase; else as `run_waves`."""
    from ..lead.waves import run_waves

    project, key = _task_of(inputs, jobs, call)
    stop = threading.Event()
    prefix = f"{key}/"
    with stopped_by_signals(stop), progress_of(lambda row: row.run_id.startswith(prefix), call) as show:
        done = run_waves(
            project,
            key,
            [*command_of(inputs, key, project.root), *_trusting(call)],
            jobs,
            call.services,
            stop,
            show,
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
    project = open_project(call.start, call.services)
    return project, TaskKey.make(project.config.project_id, inputs.task_group, inputs.task_id)


def _trusting(call: Call) -> list[str]:
    trusting = ["--trust"] if call.services.environment.get(TRUST_VARIABLE) == "1" else []
    return [*trusting, *sandbox_flag(call)]


def command_of(inputs: PrepareInputs, key: TaskKey, root: str) -> list[str]:
    """The command that starts one stage's run, with the options of this one."""
    from ..lead.waves import run_command

    base = ["--task-key", str(key), "--task-type", IMPLEMENTATION, "--lead", "auto", "--project-root", root]
    return run_command([*base, *options_of(inputs)])


def options_of(inputs: PrepareInputs) -> list[str]:
    """The options of a stage's run, but for what names it."""
    flags = {
        "workers": ",".join(inputs.workers),
        "executor": inputs.executor,
        "report-writer": inputs.report_writer,
        "provider": inputs.provider,
        "directive": inputs.directive,
        "related-tasks": ",".join(inputs.related_tasks),
        "fix-cycle": inputs.fix_cycle,
        "report-language": inputs.report_language,
        "budget": inputs.budget_usd,
        "quorum": inputs.quorum,
        "wait-quota": inputs.wait_quota,
        **{f"{slot}-model": model for slot, model in inputs.models.items()},
    }
    return [f"--{name}={value}" for name, value in flags.items() if value]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "words", metavar="REQUEST", nargs="?", default="", help="what is wanted, in words; - reads stdin"
    )
    parser.add_argument("--task-type", metavar="T", default="", help="the phase; see docs/reference/phases.md")
    parser.add_argument("--task-key", metavar="KEY", default="", help="short form for a task that exists")
    parser.add_argument("--project-id", metavar="P", default="", help="checked against the project's own")
    parser.add_argument("--task-group", metavar="G", default="", help="a group of tasks, e.g. an epic")
    parser.add_argument("--task-id", metavar="I", default="", help="the task's name, e.g. a ticket")
    parser.add_argument("--stage", metavar="auto|N", default="", help="which stage of the plan (default: auto)")
    parser.add_argument("--workers", metavar="a,b", default="", help="the providers that analyse or verify")
    parser.add_argument("--report-writer", metavar="P", default="", help="default: claude, or the first of --workers")
    parser.add_argument("--lead", choices=(CLAUDE, AUTO), default="", help="who drives the run")
    parser.add_argument("--report-language", choices=("en", "ko"), default="", help="default: the project's")
    parser.add_argument("--fix-cycle", choices=("yes", "no"), default="", help="re-open a finished task")
    for flag, (metavar, text) in _TEXTS.items():
        parser.add_argument(flag, metavar=metavar, default="", help=text)
    for slot in MODEL_SLOTS:
        parser.add_argument(f"--{slot}-model", metavar="M", default="", help=f"the model of {slot}, or custom:ID")
    add_wait_quota(parser)
    add_handoff_flags(parser)
    parser.add_argument("--quick", action="store_true", help="one stage, without a planning run; needs a check")
    parser.add_argument(
        "--check", metavar="CMD", default="", help="quick: the stage's exit check (default: qaCommands)"
    )
    parser.add_argument(
        "--files", metavar="GLOB", nargs="+", default=[], help="quick: what it may change (default: all)"
    )
    parser.add_argument("--approve", action="store_true", help="quick: approve its plan; needed without a terminal")
    parser.add_argument("--all-ready", action="store_true", help="lead all stages, wave by wave, merged in between")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="with --all-ready: stages at once (default 2)")
    parser.add_argument(
        "--on", metavar="FLEET", default="", help="with --all-ready: on the machines of this fleet.toml"
    )
    parser.add_argument("--render-only", action="store_true", help="prepare and print; start no lead")
    parser.add_argument("--dry-run", action="store_true", help="write nothing; print what would be written and run")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_trust_flag(parser)
    add_sandbox_flag(parser)
    parser.add_argument("--ask", action="store_true", help="at a terminal, ask for what is missing (okstra.sh)")
    parser.add_argument("--plain", action="store_true", help="ask line by line, without lists and arrow keys")


def execute(args: Namespace, call: Call) -> Reply:
    if args.quick or args.check or args.files or args.approve:
        from .run_quick import check_flags

        check_flags(args)
    if args.words or args.issue or ((args.request or args.task_brief) and not args.ask):
        name_new_task(args, call)
    if args.ask and not args.yes:
        from .run_inputs import complete

        args = complete(args, call)
    call = with_sandbox(args, with_trust(args, call))
    inputs = gather(args, call)
    asks = not (args.yes or args.render_only or args.dry_run) and sys.stdin.isatty()
    if not inputs.fix_cycle:
        inputs = _settle_fix_cycle(inputs, asks=asks)
    if asks:
        settle(open_project(call.start, call.services), call)
    if args.quick:
        from .run_quick import place_plan, preview

        if args.dry_run:
            return preview(inputs, args, call)
        place_plan(inputs, args, call)
        asks = False
    if args.on and not args.all_ready:
        raise UsageError("usage", "--on is for the stages of a plan", hint="add --task-type implementation --all-ready")
    if args.all_ready:
        return _lead_all(inputs, args, call, asks=asks)
    if args.dry_run:
        return _preview(inputs, call)
    if inputs.task_type == HANDOFF:
        confirm_handoff(inputs, call, asks=not (args.yes or args.render_only))
    elif asks:
        _confirm(inputs)
    return _with_approval(lambda: _run(inputs, args, call), call, asks=asks)


def _with_approval(run: Callable[[], Reply], call: Call, *, asks: bool) -> Reply:
    """If only the plan itself says that it is approved, a person at the terminal is asked and a script is refused."""
    try:
        return run()
    except Refused as refused:
        if not asks:
            raise
        from .plan import approve_unrecorded

        approve_unrecorded(refused, call)
    return run()


def _lead_all(inputs: PrepareInputs, args: Namespace, call: Call, *, asks: bool) -> Reply:

    if args.render_only:
        raise UsageError("usage", "--all-ready leads the stages: --render-only does not go with it")
    if args.dry_run:
        return preview_all(inputs, args.jobs, call)
    if args.on:
        from .fleet import place_stages

        project, key = _task_of(inputs, args.jobs, call)
        return _with_approval(lambda: place_stages(args.on, project, [(key, inputs, ())], call), call, asks=asks)
    return _with_approval(lambda: lead_all(inputs, args.jobs, call), call, asks=asks)


def _run(inputs: PrepareInputs, args: Namespace, call: Call) -> Reply:
    from ..prepare.prepare import prepare_task_bundle

    lead = "" if args.render_only else choose_lead(inputs.lead, inputs.provider, inputs.task_type)
    prepared = prepare_task_bundle(inputs._replace(lead=lead or inputs.lead, led=bool(lead)), call.services)
    return hand_over(prepared, lead, call)


def _preview(inputs: PrepareInputs, call: Call) -> Reply:
    from ..prepare.preview import preview_run

    seen = preview_run(inputs, call.services)
    data = {
        "run_id": str(seen.run),
        "stage": seen.stage,
        "epoch": seen.epoch,
        "worktree": seen.worktree.to_json(),
        "files": list(seen.files),
        "commands": list(seen.commands),
        "missing": [one._asdict() for one in seen.missing],
    }
    lines = [f"would prepare  {seen.run}", f"in             {seen.worktree.path} ({seen.worktree.status})"]
    lines += [f"missing        {one.what} (try: {one.remedy})" for one in seen.missing]
    lines += [f"would run      {command}" for command in seen.commands]
    lines += [f"would write    {name}" for name in seen.files]
    return Reply(data, "\n".join(lines))


def _settle_fix_cycle(inputs: PrepareInputs, *, asks: bool) -> PrepareInputs:
    """For a run that begins work on a finished task, the person is asked, and a script is refused (`task-finished`)."""
    from ..tasks.fix_cycles import finished_task, require_fix_cycle_choice
    from ..tasks.records import read_manifest

    key = TaskKey.make(inputs.project_id, inputs.task_group, inputs.task_id)
    task = ProjectFiles(os.fspath(inputs.project_root)).task(key)
    manifest = read_manifest(task) or {}
    by = finished_task(task, manifest, inputs.task_type, "")
    if not by:
        return inputs
    if not asks:
        require_fix_cycle_choice(task, key, manifest, inputs.task_type, "")
    again = confirm(f"{key} is finished: {by}\nopen it again, as a fix cycle?", default=False)
    return inputs._replace(fix_cycle="yes" if again else "no")


def _confirm(inputs: PrepareInputs) -> None:
    key = TaskKey.make(inputs.project_id, inputs.task_group, inputs.task_id)
    stage = f", stage {inputs.stage}" if inputs.task_type == "implementation" else ""
    if not confirm(f"prepare {inputs.task_type} of {key}{stage} in {inputs.project_root}?", default=True):
        raise Refused("not-confirmed", "nothing was prepared")
