"""The server itself, by the official SDK. Imported only by `okstra mcp`."""

from __future__ import annotations

import os
import re
from io import TextIOWrapper

import anyio
from anyio.to_thread import run_sync
from mcp.server import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ToolEntry

from .. import __version__
from ..errors import OkstraError
from ..system.text import dumps, loads
from .calls import Answer, Desk
from .offered import TOOLS, description_of, schema_of, tool_named

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")
_INSTRUCTIONS = (
    "okstra takes a software task from a sentence to a merged change, by agents that check one another. "
    "`run` starts a phase, `wait` waits for its end, `show` says what came of it, `next` what comes next. "
    "A plan is approved, a branch pushed and a stage merged by a person, at a terminal: tell them the command."
)


async def _list_tools(context: ServerRequestContext, params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(
        tools=[
            ToolEntry(
                name=tool.name,
                description=description_of(tool),
                input_schema=schema_of(tool),
                annotations=ToolAnnotations(
                    read_only_hint=tool.reads, destructive_hint=False, open_world_hint=not tool.reads
                ),
            )
            for tool in TOOLS
        ]
    )


def result_of(answer: Answer) -> CallToolResult:
    """An error's text is as at the terminal: what is wrong, where, what to try."""
    data = dict(answer.data)
    if not answer.error:
        return CallToolResult(content=[TextContent(text=dumps(data))], structured_content=data)
    rows = (("error", "message"), ("where", "where"), ("try", "try"))
    lines = [f"{label}: {answer.error[key]}" for label, key in rows if answer.error.get(key)]
    structured = {"error": dict(answer.error), "data": data}
    return CallToolResult(content=[TextContent(text="\n".join(lines))], structured_content=structured, is_error=True)


class _Lines(TextIOWrapper):
    """The client's lines. The SDK drops one that has half a surrogate pair, and its client would wait for ever for the
    answer; so such a character comes in as a NUL, which no tool takes either."""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override] # typeshed derives it from bytes
        line = super().readline(size)
        if not _SURROGATE.search(line):
            return line
        try:
            text = dumps(loads(line))
        except (ValueError, RecursionError):
            return line
        return _LONE.sub(r"\\u0000", text) + "\n"


def _incoming() -> _Lines:
    """Standard input, of which what is started here reads nothing."""
    wire = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return _Lines(os.fdopen(wire, "rb", closefd=False), encoding="utf-8", errors="replace")


async def _serve(desk: Desk) -> None:
    async def call_tool(context: ServerRequestContext, params: CallToolRequestParams) -> CallToolResult:
        tool = tool_named(params.name)
        if tool is None:
            raise MCPError(code=INVALID_PARAMS, message=f"there is no tool {params.name}")
        try:
            answer = await run_sync(desk.call, tool, params.arguments or {}, abandon_on_cancel=True)
        except OkstraError as error:
            answer = Answer(error.data, error.as_record())
        return result_of(answer)

    server = Server(
        "okstra", version=__version__, instructions=_INSTRUCTIONS, on_list_tools=_list_tools, on_call_tool=call_tool
    )
    async with stdio_server(anyio.wrap_file(_incoming())) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def serve(desk: Desk) -> None:
    """Serves until standard input ends."""
    try:
        anyio.run(_serve, desk)
    finally:
        desk.close()
