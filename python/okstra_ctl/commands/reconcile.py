"""Reports what dead runs and lost files left; with --apply, repairs what can be repaired without losing anything.

Exit 0: nothing is wrong, or everything was repaired; 4: something is left to do.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ..errors import EXIT_CHECK, EXIT_OK
from ..output import Reply, fields
from ..services import Call
from ..settings.project import find_root

if TYPE_CHECKING:
    from ..recovery.orphans import Finding


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--apply", action="store_true", help="repair what okstra can")
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="rebuild the registry from git, ledgers and manifests, and add missing runs to the index",
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="put back what the git remote of claims lost, as this machine saw it last",
    )


def execute(args: Namespace, call: Call) -> Reply:
    if args.rebuild:
        return _rebuild(call)
    if args.publish:
        return _republish(call)
    from ..recovery.survey import reconcile

    outcomes = reconcile(call.services, apply=args.apply, start_root=find_root(call.start, call.services))
    lines = []
    for outcome in outcomes:
        found = outcome.found
        lines.append(f"{found.kind}: {found.subject}: {found.what}")
        lines.append(f"  done: {outcome.done}" if outcome.done else f"  try: {found.way_on}")
        lines += [f"  failed: {outcome.failed}"] if outcome.failed else []
    left = [outcome for outcome in outcomes if outcome.open]
    done = sum(bool(outcome.done) for outcome in outcomes)
    lines.append(f"{done} repaired, {len(left)} left" if done or left else "all is well")
    data = {
        "findings": [
            {
                "kind": str(outcome.found.kind),
                "subject": outcome.found.subject,
                "what": outcome.found.what,
                "try": outcome.found.way_on,
                "can_apply": outcome.found.act is not None,
                "notice": outcome.found.notice,
                "done": outcome.done,
                "failed": outcome.failed,
            }
            for outcome in outcomes
        ]
    }
    errors = [_as_error(outcome.found) for outcome in left]
    return Reply(data, "\n".join(lines), exit_status=EXIT_CHECK if left else EXIT_OK, errors=errors)


def _as_error(found: Finding) -> dict[str, str]:
    return {"code": "left-to-do", "message": f"{found.kind}: {found.what}", "where": found.subject, "try": found.way_on}


def _rebuild(call: Call) -> Reply:
    from ..recovery.rebuild import rebuild

    done = rebuild(find_root(call.start, call.services), call.services)
    text = fields(
        [
            ("registry", f"{done.tasks} task(s), {done.stages} stage(s)"),
            ("set aside", done.set_aside),
            ("index", f"{done.indexed} run(s) added"),
            *(("unknown", f"{path}: no manifest tells whose it is") for path in done.missing),
        ]
    )
    return Reply({**done._asdict(), "missing": list(done.missing)}, text)


def _republish(call: Call) -> Reply:
    from ..recovery.shared_claims import republish
    from ..settings.project import open_project

    done = republish(open_project(call.start, call.services), call.services)
    lines = [f"{one.task_key}: {one.failed or f'as this machine saw it: {one.where}'}" for one in done]
    failed = [one for one in done if one.failed]
    errors = [
        {"code": "left-to-do", "message": one.failed, "where": one.task_key, "try": "okstra remote check"}
        for one in failed
    ]
    data = {"tasks": [one._asdict() for one in done]}
    text = "\n".join(lines) or "this machine saw none of the project's tasks on the remote"
    return Reply(data, text, exit_status=EXIT_CHECK if failed else EXIT_OK, errors=errors)


def _left(key: str, failed: str) -> dict[str, str]:
    return {"code": "left-to-do", "message": failed, "where": key, "try": "okstra remote check"}
