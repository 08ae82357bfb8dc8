"""The server itself, by the official SDK. Imported only by `okstra mcp`."""

from __future__ import annotations

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
from ..system.text import dumps
from .calls import Answer, Desk
from .offered import TOOLS, description_of, schema_of, tool_named

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
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def serve(desk: Desk) -> None:
    """Serves until standard input ends."""
    try:
        anyio.run(_serve, desk)
    finally:
        desk.close()
