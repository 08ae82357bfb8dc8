"""Plans: check one against rules S1 to S12, show its stages as a graph, approve it, adopt one from elsewhere."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from ..command_table import Call
from ..errors import EXIT_CHECK, EXIT_OK, UsageError
from ..names import PLANNING, TaskKey
from ..options import add_common_flags, add_task_key
from ..output import Reply, fields
from ..plan import store as plans
from ..plan.approval import unapprove
from ..plan.graph import critical_path, graph_of, named, waves
from ..plan.model import Finding, StageMap
from ..quoting import okstra_command
from ..runs.numbers import claim_run
from ..services import Services
from ..settings.project import open_project
from ..stages.records import task_of_plan
from ..system import files as fsio
from ..tasks.records import ensure_task
from .approving import approve, stages_table


def adopt(source: str, key: TaskKey, start: str, services: Services) -> str:
    """Copies the plan into the task's planning folder and returns its path. An approval in the source is not copied.

    Raises UsageError (`not-found`, `bad-identity`), CheckFailed (`plan-invalid`), Refused: then nothing was written.
    """
    text = unapprove(plans.read_text(source))
    checked = plans.check_text(source, text)
    if checked.stage_map is None:
        raise plans.invalid(checked)
    project = open_project(start, services)
    if key.project_id != project.config.project_id:
        raise UsageError(
            "bad-identity", f"this project is {project.config.project_id!r}, not {key.project_id!r}", where="--task-key"
        )
    ensure_task(project.files, key, category="", brief="", at=services.clock.now())
    run = claim_run(project.files.task(key), PLANNING)
    fsio.make_folder(os.path.dirname(run.report))
    fsio.replace(run.report, text.encode("utf-8"))
    return run.report


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="every broken rule, with its line")
    show = actions.add_parser("show", help="stages, waves and the critical path")
    show.add_argument("--dot", action="store_true", help="the graph for Graphviz")
    show.add_argument("--svg", action="store_true", help="the graph as a picture")
    approve = actions.add_parser("approve", help="show the stages, ask, and record the approval")
    approve.add_argument("--yes", action="store_true", help="do not ask; needed without a terminal")
    adopt = actions.add_parser("adopt", help="place a plan from elsewhere as the task's next planning report")
    for action in (check, show, approve, adopt):
        action.add_argument("plan", metavar="PLAN", help="the plan, a markdown file")
        add_common_flags(action)
    add_task_key(adopt, "the task, <project-id>:<task-group>:<task-id>", required=True)


def execute(args: Namespace, call: Call) -> Reply:
    return {"check": _check, "show": _show, "approve": _approve, "adopt": _adopt}[args.action](args, call)


def _check(args: Namespace, call: Call) -> Reply:
    plan = plans.check(args.plan)
    data = {"plan": args.plan, "approved": plan.approved, "findings": [finding._asdict() for finding in plan.findings]}
    lines = [_line(args.plan, finding) for finding in plan.findings]
    if plan.errors:
        lines.append(f"{len(plan.errors)} error(s): the plan can't be approved or run")
        return Reply(data, "\n".join(lines), exit_status=EXIT_CHECK, errors=[plans.invalid(plan).as_record()])
    stages = len(plan.stage_map.stages) if plan.stage_map else 0
    lines.append(f"ok: {stages} stage(s), {'approved' if plan.approved else 'not approved yet'}")
    return Reply(data, "\n".join(lines), exit_status=EXIT_OK)


def _line(path: str, finding: Finding) -> str:
    return f"{path}:{finding.line}: {finding.rule} {finding.severity}: {finding.message}"


def _show(args: Namespace, call: Call) -> Reply:
    plan = plans.load(args.plan, call.services)
    if plan.stage_map is None:
        raise plans.invalid(plan)
    graph = graph_of(plan.stage_map)
    data = {
        "approved": plan.approved,
        "digest": plan.stage_map.digest,
        "stages": [
            {**stage._asdict(), "steps": [step._asdict() for step in stage.steps]} for stage in plan.stage_map.stages
        ],
        "waves": waves(graph),
        "critical_path": critical_path(graph),
    }
    return Reply(data, _drawing(plan.stage_map, args))


def _drawing(stage_map: StageMap, args: Namespace) -> str:
    if args.dot or args.svg:
        from ..plan.drawing import as_dot, as_svg

        return as_dot(stage_map) if args.dot else as_svg(stage_map)
    graph = graph_of(stage_map)
    shown = [f"wave {number}: {named(wave)}" for number, wave in enumerate(waves(graph), 1)]
    chain = " → ".join(map(str, critical_path(graph)))
    return "\n".join([stages_table(stage_map), "", *shown, f"critical path: {chain}"])


def _approve(args: Namespace, call: Call) -> Reply:
    plan = approve(args.plan, call, yes=args.yes)
    stages = len(plan.stage_map.stages) if plan.stage_map else 0
    by = plan.approval._asdict() if plan.approval else {}
    following = _next_of(args.plan, call)
    data = {"plan": plan.path, "approved": True, "stages": stages, "approval": by, "next": [following]}
    person = plan.approval.summary if plan.approval else ""
    return Reply(data, fields([("approved", plan.path), ("stages", stages), ("by", person), ("next", following)]))


def _next_of(path: str, call: Call) -> str:
    """`run` takes the task's newest plan by itself; another must be named."""
    key = task_of_plan(path, call.services)
    newest = plans.latest(plans.task_files(path))
    named = () if newest and os.path.samefile(newest, path) else ("--approved-plan", os.path.abspath(path))
    return okstra_command("run", "--task-key", key, "--task-type", "implementation", *named)


def _adopt(args: Namespace, call: Call) -> Reply:
    from ..names import TaskKey

    path = adopt(args.plan, TaskKey.parse(args.task_key), call.start, call.services)
    following = okstra_command("plan", "approve", path)
    data = {"plan": path, "task_key": args.task_key, "next": [following]}
    return Reply(data, fields([("adopted", path), ("next", following)]))
