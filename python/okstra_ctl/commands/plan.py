"""Plans: begin one, check one against its rules, show its stages as a graph, approve it, adopt one from elsewhere."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from ..errors import EXIT_CHECK, EXIT_OK, OkstraError, Refused, UsageError
from ..names import PLANNING, TaskKey
from ..options import add_common_flags, add_task_key
from ..output import Reply, confirm, fields, table
from ..plan import approvals, plans
from ..plan.approval import unapprove
from ..plan.approvals import Approver, Candidate
from ..plan.model import Finding, StageMap, critical_path, graph_of, named, number_list, waves
from ..plan.plans import CheckedPlan, Where
from ..quoting import okstra_command, quote
from ..recovery.superseded_planning import release_planning_runs
from ..report.safe_markdown import inline
from ..runs.find import claim_run
from ..services import Call, Services
from ..settings.project import open_project
from ..sharing.joining import sharing_of
from ..stages.records import task_of_plan
from ..system import assets, files
from ..system.secrets import hide
from ..system.text import printable
from ..tasks.catalog import require_task
from ..tasks.named import typed_next
from ..tasks.records import ensure_task, read_manifest, read_task_identity, try_record_next_step


def adopt(source: str, key: TaskKey, start: str, services: Services) -> str:
    """Copies the plan into the task's planning folder and returns its path. An approval in the source is not copied.

    Raises UsageError (`not-found`, `bad-identity`), CheckFailed (`plan-invalid`), Refused: then nothing was written.
    """
    text = unapprove(plans.read_text(source))
    checked = plans.check_text(source, text)
    if checked.stage_map is None:
        raise plans.invalid(checked)
    return _place(text, key, start, services)


def _place(text: str, key: TaskKey, start: str, services: Services) -> str:
    """Writes it as the task's next planning report, and returns the path; what stands there already stays. Raises
    UsageError (`bad-identity`), Refused."""
    project = open_project(start, services)
    if key.project_id != project.config.project_id:
        raise UsageError(
            "bad-identity", f"this project is {project.config.project_id!r}, not {key.project_id!r}", where="--task-key"
        )
    task = ensure_task(project.files, key, category="", brief="", at=services.clock.now())
    run = claim_run(project.files.task(key), PLANNING)
    files.make_folder(os.path.dirname(run.report))
    files.replace(run.report, text.encode("utf-8"))
    if not task["last_run"]:  # it is no run's next step, and still the task's
        try_record_next_step(project.files, key, okstra_command("plan", "approve", run.report))
    return run.report


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="write a template with comments as the task's next plan")
    add_task_key(new, "the task", required=True)
    add_common_flags(new)
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
    do = {"new": _new, "check": _check, "show": _show, "approve": _approve, "adopt": _adopt}
    return do[args.action](args, call)


def _new(args: Namespace, call: Call) -> Reply:
    """Raises UsageError (`task-unknown`, `bad-identity`); then nothing was written."""
    key = require_task(args.task_key, call.start, call.services)
    title = str((read_manifest(open_project(call.start, call.services).files.task(key)) or {}).get("title") or "")
    text = assets.text("templates", "plan.md")
    for name, value in (("TITLE", inline(title or str(key))), ("TASK_KEY", quote(str(key)).replace("--", "- -"))):
        text = text.replace(f"{{{{{name}}}}}", value)
    path = _place(text, key, call.start, call.services)
    following = okstra_command("plan", "check", key)
    data = {"plan": path, "task_key": str(key), "next": [following]}
    return Reply(data, fields([("plan", path), ("next", following)]))


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
    key = task_of_plan(args.plan, call.services)
    if _is_newest(args.plan):
        following = typed_next(key, plans.project_root_of(plan.path), following, call.start, call.services)
    return Reply(data, fields([("approved", plan.path), ("stages", stages), ("by", person), ("next", following)]))


def _next_of(path: str, call: Call) -> str:
    """`run` takes the task's newest plan by itself; another must be named."""
    key = task_of_plan(path, call.services)
    named = () if _is_newest(path) else ("--approved-plan", os.path.abspath(path))
    return okstra_command("run", "--task-key", key, "--task-type", "implementation", *named)


def _is_newest(path: str) -> bool:
    newest = plans.latest(plans.task_files(path))
    return newest is not None and os.path.samefile(newest, path)


def _adopt(args: Namespace, call: Call) -> Reply:
    from ..names import TaskKey

    path = adopt(args.plan, TaskKey.parse(args.task_key), call.start, call.services)
    following = okstra_command("plan", "approve", path)
    data = {"plan": path, "task_key": args.task_key, "next": [following]}
    return Reply(data, fields([("adopted", path), ("next", following)]))


def approve(path: str, call: Call, *, yes: bool) -> CheckedPlan:
    """Asks at a terminal unless `yes`; elsewhere `yes` must be given: nobody is there to ask.

    Raises UsageError (`input-missing`), Refused (`not-confirmed`), and as `approvals.candidate`.
    """
    found = approvals.candidate(path, call.services)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "input-missing",
                "nobody is there to ask whether the plan is approved",
                where=path,
                hint=f"read it, then: {okstra_command('plan', 'approve', path, '--yes')}",
            )
        if not ask_for_approval(found):
            raise Refused("not-confirmed", "the plan is not approved", where=path)
    plan = approvals.approve(
        path, approver(os.path.dirname(os.path.abspath(path)), call), call.services, seen=found.stage_map.digest
    )
    for warning in release_planning_runs(path, call.services):
        sys.stderr.write(printable(f"okstra: warning: {warning}\n"))
    publish_plan(plan, call.services)
    return plan


def approve_unrecorded(refused: Refused, call: Call) -> None:
    """Asks the person at the terminal about a plan that says `approved: true` without a recorded approval.

    Raises `refused` again if it is another refusal, and Refused (`not-confirmed`) when the answer is no.
    """
    if not refused.data.get(approvals.UNRECORDED):
        raise refused
    sys.stderr.write(printable(f"{refused.message}\n"))
    approve(str(refused.data["plan"]), call, yes=False)


def stages_table(stage_map: StageMap) -> str:
    rows = [
        (str(stage.number), stage.title, number_list(stage.depends_on) or "-", ", ".join(stage.files), stage.exit_check)
        for stage in stage_map.stages
    ]
    return table(rows, ("stage", "title", "depends on", "files", "exit check"))


def ask_for_approval(found: Candidate) -> bool:
    """Shows the stages on stderr and asks; Enter is no."""
    plan = found.plan
    lines = [plan.path, "", stages_table(found.stage_map), ""]
    lines += [f"warning: line {one.line}: {one.message}" for one in plan.findings]
    if plan.approval is not None and found.changed:
        lines += [f"since it was approved ({plan.approval.summary}):", *(f"  {change}" for change in found.changed), ""]
    sys.stderr.write(printable("\n".join(lines)))
    return confirm(f"approve {len(found.stage_map.stages)} stage(s)?", default=False)


def approver(folder: str, call: Call) -> Approver:
    """Who approves from here, as git names the person in that folder."""
    from .. import git
    from ..system import process_identity

    if process_identity.nearest_client() is not None:
        where = Where.SESSION
    else:
        where = Where.TERMINAL if sys.stdin.isatty() else Where.SCRIPT
    person = git.committer(folder)
    return Approver(person or call.services.environment.get("USER", ""), where)


def publish_plan(plan: CheckedPlan, services: Services) -> None:
    """Publishes the plan as it is approved now, where its task is shared. Repeating it is harmless.

    Raises what `SharedClaims` raises; the approval on this machine stands.
    """
    key = read_task_identity(plans.task_files(plan.path).root)
    sharing = sharing_of(plans.project_root_of(plan.path), key, services) if key else None
    if sharing is None or plan.approval is None:
        return
    from ..remote.shared_task import Approval
    from ..sharing.task_fetch import CATEGORY, TITLE

    manifest = read_manifest(plans.task_files(plan.path)) or {}
    facts = {name: hide(str(manifest[name]))[0] for name in (CATEGORY, TITLE) if manifest.get(name)}
    person = hide(plan.approval.person)[0]
    text = files.read_bytes(plan.path) or b""  # once: what is looked through is what is pushed
    kinds = sorted(hide(text.decode("utf-8", "replace"))[1])
    if kinds:
        hint = "take it out of the plan, and approve it again: what is pushed can't be taken back"
        raise Refused("holds-secret", f"the plan holds a secret ({', '.join(kinds)})", where=plan.path, hint=hint)
    try:
        sharing.approve(text, Approval(plan.approval.digest, person, plan.approval.at), facts)
    except OkstraError as error:
        again = okstra_command("plan", "approve", plan.path, "--yes")
        hint = f"the plan is approved on this machine, and other machines don't know; later: {again}"
        raise type(error)(error.code, error.message, where=error.where, hint=hint, data=error.data) from error
