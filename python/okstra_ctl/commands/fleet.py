"""Machines that a plan's stages are placed on: `okstra run --all-ready --on fleet.toml` places them.

`init` writes a fleet.toml and makes the fleet's certificates; `up` starts its scheduler and this machine's nodes, and
`down` ends them. `status` shows what was placed from here, `logs` what a run's job printed, `cancel` ends a job.
"""

from __future__ import annotations

import os
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..errors import Interrupted, UsageError
from ..names import IMPLEMENTATION, RunId, TaskKey
from ..output import Reply, confirm, fields, table
from ..quoting import okstra_command
from ..runs.request import PrepareInputs
from ..services import Call, open_services
from ..settings.project import Project

if TYPE_CHECKING:
    from ..fleet.fleet_file import DaskSettings
    from ..fleet.place import Placer, Target
    from ..lead.waves import Entry

SCHEDULER = "scheduler"
_Wanted = tuple[TaskKey, PrepareInputs, tuple[int, ...]]


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    made = {
        name: actions.add_parser(name, help=text)
        for name, text in (
            ("init", "write a fleet.toml, and make the fleet's certificates"),
            ("up", "start the scheduler, and the nodes of this machine"),
            ("down", "end the scheduler and all nodes; what is at work there can be resumed"),
            ("status", "the jobs that were placed from here"),
            ("logs", "what the job of a run printed"),
            ("cancel", "end a job; its run can be resumed"),
        )
    }
    from ..options import add_common_flags

    for child in made.values():
        add_common_flags(child)
    for name in ("init", "up", "down"):
        made[name].add_argument("file", metavar="FLEET", help="the fleet.toml")
    made["up"].add_argument(
        "--serve", metavar="NAME", default="", help=f"stay here as the {SCHEDULER}, or as the node of that name"
    )
    made["logs"].add_argument("run", metavar="RUN", help="a stage's run, or a job")
    made["cancel"].add_argument("job", metavar="JOB", help="the job, as `okstra fleet status` shows it")


def execute(args: Namespace, call: Call) -> Reply:
    actions = {"init": _init, "up": _up, "down": _down, "status": _status, "logs": _logs, "cancel": _cancel}
    return actions[args.action](args, call)


_TEMPLATE = """\
schema = "fleet/1"
engine = "dask"
jobs = 4                        # stages at once, over all nodes

[tokens]                        # stages at once that ask a provider
# claude = 4

[dask]
scheduler = "tls://127.0.0.1:8786"   # where the nodes reach it
keys = "keys"                   # copy this folder to each node, but for ca-key.pem

[[dask.node]]                   # each with a clone, a home and logins of its own
name = "a"
project = "."                   # its clone
slots = 2                       # stages at once on it
"""


def _init(args: Namespace, call: Call) -> Reply:
    from ..fleet.fleet_file import read_fleet
    from ..fleet.keys import make_keys
    from ..system import files

    path = os.path.join(call.start, args.file)
    made = [] if os.path.lexists(path) else [path]
    if made:
        files.make_folder(os.path.dirname(path))
        files.replace(path, _TEMPLATE.encode())
    fleet = read_fleet(path)
    if fleet.dask is not None and fleet.dask.is_encrypted:
        made += make_keys(fleet.dask.keys)
    return Reply({"made": made, "next": [okstra_command("fleet", "up", args.file)]}, "\n".join(made))


def _dask(path: str, call: Call) -> tuple[str, DaskSettings]:
    """Raises UsageError (`usage`) for a fleet of another engine."""
    from ..fleet.fleet_file import read_fleet

    fleet = read_fleet(os.path.join(call.start, path))
    if fleet.dask is None or fleet.engine != "dask":
        raise UsageError("usage", f"the engine is {fleet.engine}, which starts its own machines", where=fleet.path)
    return fleet.path, fleet.dask


def _up(args: Namespace, call: Call) -> Reply:
    """Without `--serve`, each part becomes a process of its own, which goes on."""
    from ..fleet.dask_service import serve_node, serve_scheduler
    from ..fleet.work import finish_left, require_fit
    from ..system import assets, processes
    from .leading import print_progress

    path, settings = _dask(args.file, call)
    here = [node for node in settings.nodes if node.host in ("", os.uname().nodename)]
    if args.serve == SCHEDULER:
        serve_scheduler(settings)
        return Reply({"served": SCHEDULER}, "")
    if args.serve:
        node = next((node for node in settings.nodes if node.name == args.serve), None)
        if node is None:
            known = ", ".join([SCHEDULER, *(node.name for node in settings.nodes)])
            raise UsageError("usage", f"the fleet has no node {args.serve}", where=path, hint=f"one of: {known}")
        if node.home:
            os.environ["OKSTRA_HOME"] = node.home  # of the jobs that this process starts
        services = open_services()
        require_fit(services, node.project)
        finish_left(node.project, services, print_progress)
        serve_node(settings, node, services.home.node_scratch(node.name))
        return Reply({"served": node.name}, "")
    started = [SCHEDULER, *(node.name for node in here)]
    for name in started:
        processes.start_detached([os.path.join(assets.root(), "bin", "okstra"), "fleet", "up", path, "--serve", name])
    return Reply({"started": started}, fields([("started", ", ".join(started))]))


def _down(args: Namespace, call: Call) -> Reply:
    from ..fleet.dask_engine import DaskEngine

    path, settings = _dask(args.file, call)
    DaskEngine(settings).shut_down()
    return Reply({"ended": path}, fields([("ended", path)]))


def _status(args: Namespace, call: Call) -> Reply:
    from ..fleet.status import look

    rows, nodes, warnings = look(call.services, call.start)
    text = table(
        [(row.job, row.task_key, str(row.stage), row.engine, row.ledger, str(row.attempts)) for row in rows],
        ("job", "task", "stage", "its job is", "its stage is", "placed"),
    )
    shown = [text] if rows else ["nothing is placed from here"]
    if nodes:
        shown.append(table([(name, f"{taken} of {slots}") for name, slots, taken in nodes], ("node", "slots taken")))
    data = {"jobs": [row._asdict() for row in rows], "nodes": [list(node) for node in nodes]}
    return Reply(data, "\n\n".join(shown), [f"okstra: warning: {warning}" for warning in warnings])


def _logs(args: Namespace, call: Call) -> Reply:
    from ..fleet.engine import open_engine
    from ..fleet.fleet_file import read_fleet
    from ..fleet.job_files import all_jobs, find_job

    name = args.run
    if "/" in name:
        run = RunId.parse(name)
        same = [
            job.job for job in all_jobs(call.services.home) if (job.task_key, job.stage) == (str(run.task), run.stage)
        ]
        name = same[0] if same else name
    job = find_job(call.services.home, name)
    engine = open_engine(read_fleet(job.fleet))
    try:
        output = engine.output(job.handle)
    finally:
        engine.close()
    return Reply({"job": job.job, "output": output}, output)


def _cancel(args: Namespace, call: Call) -> Reply:
    from ..fleet.engine import open_engine
    from ..fleet.fleet_file import read_fleet
    from ..fleet.job_files import find_job, forget_job

    job = find_job(call.services.home, args.job)
    engine = open_engine(read_fleet(job.fleet))
    try:
        engine.cancel(job.handle)
    finally:
        engine.close()
    forget_job(call.services.home, job.job)
    return Reply({"cancelled": job.job}, fields([("cancelled", f"{job.job}: its run can be resumed")]))


def place_entries(fleet_path: str, entries: Sequence[Entry], call: Call) -> Reply:
    """Places the stages that the entries name. Raises UsageError (`usage`) for other runs: nothing that they do could
    be seen from here."""
    from ..command_table import find
    from ..options import build_parser
    from ..settings.project import open_project
    from .run import options_of
    from .run_inputs import gather

    command = find("run")
    assert command is not None
    parser, _ = build_parser(command)
    project = open_project(call.start, call.services)
    wanted: dict[tuple[str, tuple[str, ...]], _Wanted] = {}
    for entry in entries:
        args = parser.parse_args(entry.words)
        if args.task_type != IMPLEMENTATION or not args.stage.isdigit():
            hint = f"name a stage: --task-type {IMPLEMENTATION} --stage N; or okstra run --all-ready --on {fleet_path}"
            raise UsageError("usage", f"{entry.name}: only stages can be placed on a fleet", hint=hint)
        inputs = gather(args, call)
        key = TaskKey.make(project.config.project_id, inputs.task_group, inputs.task_id)
        same = (str(key), tuple(options_of(inputs)))  # stages of one task are placed side by side
        stages = wanted[same][2] if same in wanted else ()
        wanted[same] = (key, inputs, tuple(dict.fromkeys((*stages, int(args.stage)))))
    return place_stages(fleet_path, project, list(wanted.values()), call)


def place_stages(fleet_path: str, project: Project, wanted: Sequence[_Wanted], call: Call) -> Reply:
    """Stays until all is done. At a Ctrl-C, asks whether the jobs are left at work or cancelled."""
    from ..fleet.engine import open_engine
    from ..fleet.fleet_file import read_fleet
    from ..fleet.place import Placer, place_all
    from ..prepare.request import ensure_merge_place
    from ..system.signals import stopped_by_signals
    from .leading import print_progress

    fleet = read_fleet(os.path.join(call.start, fleet_path))
    engine = open_engine(fleet)
    stop = threading.Event()
    placers = [
        Placer(
            project,
            _target(key, inputs, stages, call),
            fleet,
            engine,
            call.services,
            print_progress,
            partial(ensure_merge_place, key, inputs, call.services),
        )
        for key, inputs, stages in wanted
    ]
    try:
        with stopped_by_signals(stop):
            place_all(placers, engine.pause, stop)
    except Interrupted as stopped:
        _leave_or_cancel(placers, stopped)
    finally:
        engine.close()
    done: list[dict[str, object]] = [
        {"task_key": str(one.target.key), "done": list(one.end.done), "commits": list(one.end.commits)}
        for one in placers
        if one.end is not None
    ]
    keys = list(dict.fromkeys(str(key) for key, _, _ in wanted))
    following = [okstra_command("run", "--task-key", key, "--task-type", "final-verification") for key in keys]
    shown = [("done", f"{one['task_key']}: stages {', '.join(map(str, one['done']))}") for one in done]  # type: ignore[call-overload]
    return Reply({"placed": done, "next": following}, fields([*shown, ("next", following[0])]))


def _leave_or_cancel(placers: Sequence[Placer], stopped: Interrupted) -> None:
    if sys.stdin.isatty() and confirm("the jobs that were placed go on without this; cancel them?", default=False):
        for placer in placers:
            placer.cancel_all()
        raise Interrupted("interrupted", "cancelled; their runs can be resumed", hint="okstra status") from None
    raise stopped


def _target(key: TaskKey, inputs: PrepareInputs, stages: tuple[int, ...], call: Call) -> Target:
    from ..fleet.place import Target
    from ..options import sandbox_flag
    from ..settings.phases import phase_table
    from ..settings.roster import RosterOptions, roster
    from ..settings.trust import TRUST_VARIABLE
    from ..system import assets
    from .run import options_of

    phase = phase_table(assets.toml("prompts", "phases.toml")).get(IMPLEMENTATION)
    own = (inputs.provider, inputs.executor, inputs.report_writer, *inputs.workers)
    options = RosterOptions(inputs.workers, inputs.executor, "", inputs.provider, own, inputs.report_writer)
    providers = tuple(dict.fromkeys(worker.provider for worker in roster(phase, options, lambda _: "")))
    trusts = call.services.environment.get(TRUST_VARIABLE) == "1"
    flags = (*(["--trust"] if trusts else []), *sandbox_flag(call))
    return Target(key, tuple(options_of(inputs)), providers, stages, flags)
