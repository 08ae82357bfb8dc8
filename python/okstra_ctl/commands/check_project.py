"""Checks the project's settings, its repository, the home and the registry; a remedy for each finding."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import EXIT_CHECK, EXIT_OK, Missing
from ..output import Reply, table
from ..services import Call
from ..settings import setup as setup_project
from ..settings.project import find_root
from ..settings.setup import CheckStatus


def configure(parser: ArgumentParser) -> None:
    """No flags of its own."""


def execute(args: Namespace, call: Call) -> Reply:
    root = find_root(call.start, call.services)
    if root is None:
        raise Missing(
            "not-a-project",
            "this folder belongs to no okstra project",
            where=call.start,
            hint="okstra init",
        )
    rows = setup_project.check(root, call.services)
    failed = [row for row in rows if row.status is CheckStatus.FAIL]
    text = table([(str(row.status), row.check, row.detail, row.remedy) for row in rows], ("", "check", "", "remedy"))
    errors = [
        {"code": "project-unhealthy", "message": f"{r.check}: {r.detail}", "where": root, "try": r.remedy}
        for r in failed
    ]
    data = {"root": root, "checks": [{**row._asdict(), "status": str(row.status)} for row in rows]}
    result = "result: FAIL" if failed else "result: OK"
    return Reply(data, f"{text}\n{result}", exit_status=EXIT_CHECK if failed else EXIT_OK, errors=errors)
