"""Every agent that okstra knows, and whether it is installed, needs a login, or is ready; uses no model.

An agent of the Agent Client Protocol is started in an empty folder, in a worker's sandbox, greeted, and opens a
session. `okstra doctor --providers` also tries whether the clients can commit.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..output import Reply, table
from ..services import Call


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--installed", action="store_true", help="only those that are installed")


def execute(args: Namespace, call: Call) -> Reply:
    from ..agents.acp.probe import Readiness
    from ..doctor.agents import agent_rows

    rows = [row for row in agent_rows(call.services) if not args.installed or row.state != Readiness.ABSENT]
    cells = [(row.provider, row.state, row.version, row.model, row.detail, row.remedy) for row in rows]
    text = table(cells, ("AGENT", "STATE", "VERSION", "MODEL", "", "REMEDY")) if cells else "no agent is installed"
    return Reply({"agents": [row.to_json() for row in rows]}, text)
