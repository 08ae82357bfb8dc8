"""Prints the paths of a run by their names; without a run, those of okstra and the project."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace

from ..output import Reply, fields
from ..paths import compute_run_paths
from ..runs.find import find_run
from ..services import Call
from ..settings.project import find_root
from ..system import assets


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run id")
    parser.add_argument("--shell", action="store_true", help="NAME='value' lines for eval")


def execute(args: Namespace, call: Call) -> Reply:
    names = _of_okstra(call) if args.run is None else _of_run(args.run, call)
    if args.shell:
        return Reply(names, "\n".join(f"{name}={shlex.quote(value)}" for name, value in names.items()))
    return Reply(names, fields(list(names.items())))


def _of_run(run_id: str, call: Call) -> dict[str, str]:
    run = find_run(run_id, call.start, call.services)
    return compute_run_paths(
        project_root=run.project.root,
        workspace_root=assets.root(),
        project_id=run.id.task.project_id,
        task_group=run.id.task.task_group,
        task_id=run.id.task.task_id,
        task_type=run.id.task_type,
        run_seq_override=run.id.seq,
        stage=run.id.stage,
    )


def _of_okstra(call: Call) -> dict[str, str]:
    home = call.services.home
    return {
        "OKSTRA_HOME": home.root,
        "OKSTRA_WORKTREES": home.worktrees,
        "OKSTRA_REGISTRY": home.registry,
        "WORKSPACE_ROOT": assets.root(),
        "PROJECT_ROOT": find_root(call.start, call.services) or "",
    }
