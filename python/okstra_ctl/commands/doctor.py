"""Checks this machine and, in a project, the project: Python, git, locks, disk, clients, settings; a remedy for each
finding."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import EXIT_CHECK, EXIT_FAILED, EXIT_OK
from ..output import Reply, table
from ..services import Call


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--providers", action="store_true", help="the clients: version, flags, login, whether they can commit"
    )


def execute(args: Namespace, call: Call) -> Reply:
    """Exit status 4 when a check fails, 1 when nothing fails but that there is no agent; low resources and missing
    conveniences are warnings."""
    from ..doctor.machine import examine
    from ..doctor.providers import AGENTS
    from ..settings.project import find_root
    from ..settings.setup import CheckStatus, check

    machine = examine(call.services, call.start, providers=args.providers)
    seen = {"git version", *(row.check for row in machine)}
    root = None if args.providers else find_root(call.start, call.services)
    of_project = [row for row in check(root, call.services) if row.check not in seen] if root else []
    rows = [*machine, *of_project]
    failed = [row for row in rows if row.status is CheckStatus.FAIL]
    text = table([(str(row.status), row.check, row.detail, row.remedy) for row in rows], ("", "check", "", "remedy"))
    codes = dict.fromkeys((row.check for row in of_project), "project-unhealthy") | {AGENTS: "no-agent"}
    errors = [
        {
            "code": codes.get(row.check, "machine-unhealthy"),
            "message": f"{row.check}: {row.detail}",
            "where": row.check,
            "try": row.remedy,
        }
        for row in failed
    ]
    result = "result: FAIL" if failed else "result: OK"
    data = {"checks": [{**row._asdict(), "status": str(row.status)} for row in rows], "result": result[8:]}
    others = [row for row in failed if row.check != AGENTS]
    status = EXIT_CHECK if others else EXIT_FAILED if failed else EXIT_OK
    return Reply(data, f"{text}\n{result}", exit_status=status, errors=errors)
