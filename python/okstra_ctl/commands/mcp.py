"""Serves okstra's reading commands, `run` and `wait` to an MCP client, over standard input and output.

Which client may start it, you say there: for Claude Code, `claude mcp add okstra -- okstra mcp`. What a person alone
may say (approve, trust, push, merge) is no tool. Runs that it started are stopped with it; `okstra resume` goes on.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..errors import Missing, extra_hint
from ..output import Reply
from ..services import Call
from ..system.signals import stoppable


def configure(parser: ArgumentParser) -> None:
    """It has no flags of its own."""


def execute(args: Namespace, call: Call) -> Reply:
    from ..mcp_server.calls import Desk

    try:
        from ..mcp_server.server import serve
    except ModuleNotFoundError as error:
        raise Missing(
            "dependency-missing",
            f"the Python package {error.name} is not installed",
            where=sys.executable,
            hint=extra_hint("mcp"),
        ) from error
    with stoppable():
        serve(Desk(call.start, call.services.environment))
    return Reply({}, "")
