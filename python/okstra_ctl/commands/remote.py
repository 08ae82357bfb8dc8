"""Agreeing on a git remote who works on which stage: switch it on or off, try the remote, show what is known."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import CheckFailed, OkstraError, UsageError
from ..git.transport import Place, place_of
from ..names import TaskKey
from ..options import add_common_flags
from ..output import Reply, fields, table
from ..quoting import okstra_command
from ..remote.check import Step, try_out
from ..remote.exchange import Exchange
from ..remote.machine import known_machine, machine_id
from ..remote.ref_names import key_of, task_ref
from ..remote.side_repository import SideRepository, known_side, open_side
from ..services import Call
from ..settings import config as settings
from ..settings import trust
from ..settings.claims_remote import OFF, check_namespace, check_remote_name, lease_seconds
from ..settings.project import Project, open_project

_KEYS = {"namespace": "claimsNamespace", "lease": "claimsLease"}


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    use = actions.add_parser("use", help="keep claims on a git remote from now on, or on this machine alone: off")
    use.add_argument("remote", metavar="REMOTE", help="a remote by its name in git, such as origin; or off")
    use.add_argument(
        "--lease",
        metavar="TIME",
        default="",
        help="let anybody take a claim over that gave no sign of life for that long: 30m",
    )
    use.add_argument("--namespace", metavar="REF", default="", help="where refs are kept: refs/heads/okstra-claims")
    check = actions.add_parser("check", help="try each step on the remote: create, lose, read, update, delete")
    show = actions.add_parser("show", help="the settings, and what this machine saw last; asks no network")
    for action in (use, check, show):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    project = open_project(call.start, call.services)
    if args.action == "use":
        return _use(args, project, call)
    return _check(project, call) if args.action == "check" else _show(project, call)


def _use(args: Namespace, project: Project, call: Call) -> Reply:
    """Raises UsageError (`bad-config`), Refused (`remote-refused`) for a shallow clone."""
    on = args.remote != OFF
    if on:
        lease_seconds(args.lease)
        place_of(project.root, check_remote_name(args.remote))
    elif args.lease or args.namespace:
        raise UsageError("usage", "--lease and --namespace need a remote", hint="okstra remote use origin --lease 30m")
    if args.namespace:
        check_namespace(args.namespace)
    file = settings.of_project(call.start, call.services)
    for flag, key in _KEYS.items():
        value = getattr(args, flag)
        if value:
            settings.set_value(file, key, [value], call.services)
        else:
            settings.unset_value(file, key, call.services)
    if not on:
        settings.unset_value(file, "claims", call.services)
        return Reply({"remote": "", "file": file.path}, "claims are kept on this machine alone")
    settings.set_value(file, "claims", [args.remote], call.services)
    data = {"remote": args.remote, "lease": args.lease, "namespace": args.namespace, "file": file.path}
    text = fields([("claims on", args.remote), ("lease", args.lease), ("below", args.namespace), ("set in", file.path)])
    return Reply(data, text, talk=["try the remote: okstra remote check; then commit the settings, for the others"])


def _place(project: Project, call: Call) -> Place:
    """Raises UsageError (`bad-config`) when claims are off, Refused (`not-trusted`)."""
    claims = project.config.claims
    if not claims.remote:
        hint = "okstra remote use origin"
        raise UsageError("bad-config", "claims are kept on this machine alone", where=project.files.config, hint=hint)
    trust.require_trusted(project.root, project.config.commands, call.services)
    return place_of(project.root, claims.remote)


def _check(project: Project, call: Call) -> Reply:
    """Raises CheckFailed (`remote-unfit`), Missing (`remote-unreachable`)."""
    side = open_side(call.services.home, _place(project, call))
    steps = try_out(side, project.config.claims.namespace, machine_id(call.services.home))
    data: dict[str, object] = {"remote": side.place.shown, "steps": [step._asdict() for step in steps]}
    failed = [step for step in steps if step.needed and not step.ok]
    if failed:
        raise CheckFailed(
            "remote-unfit",
            "; ".join(f"{step.name}: {step.words}" for step in failed),
            where=side.place.shown,
            hint="where a host accepts branches alone: "
            + okstra_command("remote", "use", side.place.name, "--namespace", "refs/heads/okstra-claims"),
            data=data,
        )
    return Reply(data, table([_row(step) for step in steps], ("step", "", "")))


def _row(step: Step) -> tuple[str, str, str]:
    return step.name, "ok" if step.ok else "not possible", step.words


def _show(project: Project, call: Call) -> Reply:
    claims, known = project.config.claims, known_machine(call.services.home)
    machine, earlier = (known.id, list(known.earlier)) if known else ("", [])
    settings_in_force = {"remote": claims.remote, "lease_seconds": claims.lease, "namespace": claims.namespace}
    if not claims.remote:
        data: dict[str, object] = {**settings_in_force, "machine": machine, "earlier": earlier, "tasks": []}
        return Reply(data, "claims are kept on this machine alone: okstra remote use origin")
    place = _place(project, call)
    side = known_side(call.services.home, place)
    keys = [key for ref in (side.all_seen() if side else ()) if (key := key_of(claims.namespace, ref))]
    tasks = [_task(side, claims.namespace, key) for key in keys if side]
    data = {**settings_in_force, "address": place.shown, "machine": machine, "earlier": earlier, "tasks": tasks}
    rows = [(str(one["task"]), str(one["stages"]), str(one["hosts"] or one["fault"])) for one in tasks]
    lease = f"{claims.lease // 60} minutes" if claims.lease else "none"
    head = fields(
        [
            ("claims on", claims.remote),
            ("address", place.shown),
            ("lease", lease),
            ("machine", machine),
            *_earlier(earlier),
        ]
    )
    return Reply(
        data, "\n".join([head, table(rows, ("task, as seen last", "stages", "hosts at work"))] if rows else [head])
    )


def _earlier(ids: list[str]) -> list[tuple[str, str]]:
    """This home stood elsewhere: what it claimed there counts as another machine's."""
    gone = okstra_command("stage", "release", "--run", "RUN", "--force")
    moved = f"{', '.join(ids[:3])}: before this home was copied or moved; a stage claimed then is taken back by {gone}"
    return [("earlier", moved)] if ids else []


def _task(side: SideRepository, namespace: str, key: TaskKey) -> dict[str, object]:
    try:
        task = Exchange(side, task_ref(namespace, key), key).last_seen().task
    except OkstraError as error:
        return {"task": str(key), "stages": 0, "hosts": "", "fault": error.message}
    hosts = sorted({stage.claim.holder.host for stage in task.stages.values() if stage.claim.is_held})
    return {"task": str(key), "stages": len(task.stages), "hosts": ", ".join(hosts), "fault": ""}
