"""Plans: check one against rules S1 to S12, show its stages as a graph, approve it, adopt one from elsewhere."""

from __future__ import annotations

from ...core.plan.records import Finding, StageMap
from ...core.shell_words import okstra_command
from ...core.stages import critical_path, graph_of, named, number_list, waves
from ...flows import plans
from ...words.error_codes import EXIT_CHECK, EXIT_OK
from ...words.hints import ArgumentParser, Namespace
from ..command_table import Call
from ..reply import Reply, fields, table
from ..shared_flags import add_common_flags


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="every broken rule, with its line")
    show = actions.add_parser("show", help="stages, waves and the critical path")
    show.add_argument("--dot", action="store_true", help="the graph for Graphviz")
    show.add_argument("--svg", action="store_true", help="the graph as a picture")
    approve = actions.add_parser("approve", help="set `approved: true` once S1 to S12 pass")
    adopt = actions.add_parser("adopt", help="place a plan from elsewhere as the task's next planning report")
    adopt.add_argument("--task-key", required=True, metavar="KEY", help="<project-id>:<task-group>:<task-id>")
    for action in (check, show, approve, adopt):
        action.add_argument("plan", metavar="PLAN", help="the plan, a markdown file")
        add_common_flags(action)


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
    plan = plans.load(args.plan)
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
        from ...core.stage_drawing import as_dot, as_svg

        return as_dot(stage_map) if args.dot else as_svg(stage_map)
    graph = graph_of(stage_map)
    rows = [
        (str(stage.number), stage.title, number_list(stage.depends_on) or "-", ", ".join(stage.files), stage.exit_check)
        for stage in stage_map.stages
    ]
    shown = [f"wave {number}: {named(wave)}" for number, wave in enumerate(waves(graph), 1)]
    chain = " → ".join(map(str, critical_path(graph)))
    return "\n".join(
        [table(rows, ("stage", "title", "depends on", "files", "exit check")), "", *shown, f"critical path: {chain}"]
    )


def _approve(args: Namespace, call: Call) -> Reply:
    plan = plans.approve(args.plan)
    stages = len(plan.stage_map.stages) if plan.stage_map else 0
    return Reply(
        {"plan": plan.path, "approved": True, "stages": stages}, fields([("approved", plan.path), ("stages", stages)])
    )


def _adopt(args: Namespace, call: Call) -> Reply:
    from ...core.identity import TaskKey
    from ...flows.plan_adoption import adopt

    path = adopt(args.plan, TaskKey.parse(args.task_key), call.start, call.doors)
    return Reply(
        {"plan": path, "task_key": args.task_key},
        fields([("adopted", path), ("next", okstra_command("plan", "approve", path))]),
    )
