"""The stages of a plan: list them with their status; record one as done; give one back."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..errors import UsageError
from ..names import RunId
from ..options import add_common_flags, add_skip_teardown, add_task_key
from ..output import Reply, fields, porcelain, some_of, table
from ..plan import plans
from ..plan.model import number_list
from ..services import Call
from ..sharing.joining import refresh
from ..stages.records import current_states, task_of_plan
from ..stages.select import StageState, next_of_stage, why_not
from ..status import StageStatus, with_marks
from ..tasks.catalog import plan_of_task

_HEADER = ("stage", "status", "title", "depends on", "run", "branch")


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every stage with its status and what blocks it")
    one = add_task_key(listing, "a task: its newest plan", required=True)
    one.add_argument("--plan", metavar="PLAN", default=None, help="the plan report")
    listing.add_argument("--porcelain", action="store_true", help=r"tab-separated; \\, \t, \n, \r escaped")
    done = actions.add_parser("done", help="run the exit check and record the stage as done")
    done.add_argument("--run", required=True, metavar="RUN", help="the run that holds the stage")
    done.add_argument("--no-change", metavar="WHY", help="the stage needed no commit, and why")
    done.add_argument("--out-of-plan", metavar="WHY", help="why files outside the plan were touched")
    done.add_argument("--overrule", metavar="WHY", help="why it counts though okstra led the run and a gate said no")
    done.add_argument("--unproven", metavar="WHY", help="why it counts though its check passes without its code")
    release = actions.add_parser("release", help="give the stage back; its branch stays")
    release.add_argument("--run", required=True, metavar="RUN", help="the run that holds the stage")
    release.add_argument("--note", metavar="TEXT", default="", help="kept in the ledger")
    release.add_argument("--force", action="store_true", help="also from a live run; unsaved work is kept by a ref")
    add_skip_teardown(release)
    publish = actions.add_parser("publish", help="let other machines know of a stage that was proven here")
    publish.add_argument("--run", required=True, metavar="RUN", help="the run that holds the stage, or did it")
    for action in (listing, done, release, publish):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    return {"list": _list, "done": _done, "release": _release, "publish": _publish}[args.action](args, call)


def _list(args: Namespace, call: Call) -> Reply:
    path = plan_of_task(args.task_key, call.start, call.services) if args.plan is None else args.plan
    plan = plans.load(path, call.services)
    if plan.stage_map is None:
        raise plans.invalid(plan)
    key = task_of_plan(path, call.services)
    warning = refresh(plans.project_root_of(path), key, call.services)
    talk = [f"okstra: warning: {warning}"] if warning else []
    states = current_states(path, plan.stage_map, key, call.services)
    data = {"stages": [_json(state, next_of_stage(state, str(key))) for state in states]}
    cells = [_cells(state) for state in states]
    if args.porcelain:
        return Reply(data, porcelain(cells), talk=talk)
    cells = [_for_people(state, row) for state, row in zip(states, cells, strict=True)]
    others = [state for state in states if state.status not in (StageStatus.DONE, StageStatus.READY)]
    if sys.stdout.isatty():
        from ..system.folding import folded_sentence
        from ..terminal import draw, screen_of

        steps = [next_of_stage(state, str(key)) if state in others else "" for state in states]
        screen = screen_of(sys.stdout, call.services.environment)
        drawn = draw(cells, _HEADER, screen, below=steps, status=1)
        why = [folded_sentence(why_not(state), screen.columns) for state in others]
        return Reply(data, "", drawn="\n".join([drawn, *([""] if why else []), *why]), talk=talk)
    notes = [_note(state, next_of_stage(state, str(key))) for state in others]
    return Reply(data, "\n".join([table(cells, _HEADER), *([""] if notes else []), *notes]), talk=talk)


def _cells(state: StageState) -> tuple[str, ...]:
    depends = number_list(state.depends_on) or "-"
    return (str(state.stage), str(state.status), state.title, depends, state.run_id or "-", state.branch or "-")


def _for_people(state: StageState, cells: tuple[str, ...]) -> tuple[str, ...]:
    number, status, *more = cells
    return (number, with_marks(status, proof=state.proof, unpublished=state.unpublished, host=state.host), *more)


def _note(state: StageState, step: str) -> str:
    return f"{why_not(state)}; next: {step}" if step else why_not(state)


def _json(state: StageState, step: str) -> dict[str, object]:
    return {
        "stage": state.stage,
        "title": state.title,
        "depends_on": list(state.depends_on),
        "files": list(state.files),
        "status": str(state.status),
        "blocked_by": list(state.blocked_by),
        "unmerged": list(state.unmerged),
        "run_id": state.run_id,
        "branch": state.branch,
        "head_commit": state.head_commit,
        "worktree": state.worktree,
        "epoch": state.epoch,
        "since": state.since,
        "owner": state.owner.to_json() if state.owner else None,
        "overrule": state.overrule,
        "proof": state.proof,
        "host": state.host,
        "unpublished": state.unpublished,
        "next": step,
    }


def _done(args: Namespace, call: Call) -> Reply:
    from ..history.schedule import next_of_task
    from ..proof.rules import Outcome
    from ..runs.find import find_run
    from ..stages.done import finish_stage
    from ..stages.exit_check import DoneOverrides, Supervision
    from .leading import step_progress

    given = DoneOverrides(*(_reason(args, name) for name in ("no_change", "out_of_plan", "overrule", "unproven")))
    run = find_run(args.run, call.start, call.services)
    with step_progress(call) as show:
        done = finish_stage(run, given, call.services, Supervision(show=show))
    step = next_of_task(run.project.root, run.id.task, call.services)
    why = given.unproven if done.proof == Outcome.UNPROVEN else done.doubt
    text = fields(
        [
            ("done", f"stage {done.stage} of {run.id.task}"),
            ("head", done.head_commit),
            ("commits", done.commits),
            ("exit check", f"{done.exit_check} (exit 0)"),
            ("proof", f"{done.proof} ({why})" if why else done.proof),
            ("out of plan", ", ".join(done.out_of_plan)),
            ("overruled", done.overrule),
            ("next", step),
        ]
    )
    return Reply(
        {**done._asdict(), "next": step}, text, talk=[f"okstra: warning: {warning}" for warning in done.warnings]
    )


def _reason(args: Namespace, option: str) -> str:
    """A person's reason, empty where none is given. Raises UsageError for a blank one."""
    given: str | None = getattr(args, option)
    if given is not None and not given.strip():
        raise UsageError("input-missing", f"--{option.replace('_', '-')} is empty", hint="say why")
    return (given or "").strip()


def _release(args: Namespace, call: Call) -> Reply:
    from ..runs.find import find_run
    from ..stages.claim import release_stage
    from ..stages.publication import take_away, unknown_here

    unknown = unknown_here(args.run, call.start, call.services)
    if unknown is not None:
        host = take_away(args.run, unknown, call.start, call.services, force=args.force)
        run_id = RunId.parse(args.run)
        data = {"run_id": args.run, "stage": run_id.stage, "host": host}
        return Reply(data, fields([("released", f"stage {run_id.stage} of {run_id.task}"), ("taken from", host)]))
    run = find_run(args.run, call.start, call.services)
    freed = release_stage(run, call.services, force=args.force, note=args.note, skip_teardown=args.skip_teardown)
    text = fields(
        [
            ("released", f"stage {freed.stage} of {run.id.task}"),
            ("branch kept", freed.branch),
            ("work kept", freed.kept),
            ("ignored, not kept", some_of(freed.ignored)),
        ]
    )
    return Reply(freed._asdict(), text, talk=[f"okstra: warning: {warning}" for warning in freed.warnings])


def _publish(args: Namespace, call: Call) -> Reply:
    from ..runs.find import find_run
    from ..stages.late_publication import publish_stage

    done = publish_stage(find_run(args.run, call.start, call.services), call.services)
    rows = [("published", f"stage {done.stage} of {done.task_key}"), ("head", done.head_commit), ("next", done.next)]
    text = fields(rows)
    return Reply(done._asdict(), text, talk=[f"okstra: warning: {warning}" for warning in done.warnings])
