"""Every project that okstra has run in, with its number of runs, how many are open, and when the last one was."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..history.listing import RunRow, run_rows
from ..index.run_index import EVERYTHING
from ..output import Reply, table
from ..services import Call
from ..status import OPEN


def configure(parser: ArgumentParser) -> None:
    """No flags of its own."""


def execute(args: Namespace, call: Call) -> Reply:
    by_project: dict[tuple[str, str], list[RunRow]] = {}
    for row in run_rows(call.services, EVERYTHING):
        by_project.setdefault((row.run_id.partition(":")[0], row.project_root), []).append(row)
    projects = [
        {
            "project_id": name,
            "root": root,
            "runs": len(rows),
            "open": sum(row.status in tuple(map(str, OPEN)) for row in rows),
            "last": max(row.at for row in rows),
        }
        for (name, root), rows in sorted(by_project.items())
    ]
    if not projects:
        return Reply({"projects": []}, "no project has had a run yet")
    cells = [tuple(str(value) for value in project.values()) for project in projects]
    return Reply({"projects": projects}, table(cells, ("project", "folder", "runs", "open", "last")))
