"""The three wire formats that the clients speak, as far as a scripted model needs them.

Each function takes the request and the turn to answer with, and gives the server-sent events of the answer.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]
Event = tuple[str, dict[str, Any]]

INPUT_TOKENS, OUTPUT_TOKENS = 1000, 10


class Turn(NamedTuple):
    """What the model does in one turn: one tool call, or words that end the work."""

    say: str = ""
    shell: str = ""
    write: tuple[str, str] | None = None  # path, content
    call: tuple[str, Mapping[str, Any]] | None = None  # a tool by the client's own name for it, with its arguments


class Tool(NamedTuple):
    name: str
    arguments: dict[str, Any]


def _tool(turn: Turn, offered: set[str], shell: tuple[str, str], write: tuple[str, str, str]) -> Tool | None:
    """The call for a turn; None when the turn only speaks, or the client offers no such tool."""
    if turn.call and turn.call[0] in offered:
        return Tool(turn.call[0], dict(turn.call[1]))
    if turn.shell and shell[0] in offered:
        return Tool(shell[0], {shell[1]: turn.shell})
    if turn.write and write[0] in offered:
        return Tool(write[0], {write[1]: turn.write[0], write[2]: turn.write[1]})
    return None


def _words(turn: Turn, offered: set[str]) -> str:
    wanted = turn.shell or (turn.write or turn.call or ("",))[0]
    return turn.say or f"there is no tool for {wanted!r} among {', '.join(sorted(offered))}"


# Anthropic: POST /v1/messages


def anthropic_turn(body: Body) -> int:
    return sum(message["role"] == "assistant" for message in body["messages"])


def anthropic(body: Body, turn: Turn) -> Iterator[Event]:
    offered = {tool["name"] for tool in body.get("tools", ())}
    tool = _tool(turn, offered, ("Bash", "command"), ("Write", "file_path", "content"))
    block: dict[str, Any] = {"type": "text", "text": ""}
    delta: dict[str, Any] = {"type": "text_delta", "text": _words(turn, offered)}
    if tool:
        number = anthropic_turn(body)
        arguments = {"description": "scripted", **tool.arguments} if tool.name == "Bash" else tool.arguments
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool.name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
    usage = {
        "input_tokens": INPUT_TOKENS,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 50,
        "output_tokens": 1,
    }
    message = {
        "id": f"msg_{uuid.uuid4().hex}",  # by which a session's calls are told apart
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    stop = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
    yield "message_start", {"message": message}
    yield "content_block_start", {"index": 0, "content_block": block}
    yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    yield "message_delta", {"delta": stop, "usage": {"output_tokens": OUTPUT_TOKENS}}
    yield "message_stop", {}


# OpenAI: POST /v1/responses


def openai_turn(body: Body) -> int:
    return sum(
        item.get("type") == "function_call" or (item.get("type") == "message" and item.get("role") == "assistant")
        for item in body["input"]
    )


def openai(body: Body, turn: Turn) -> Iterator[Event]:
    number = openai_turn(body)
    offered = {tool.get("name", "") for tool in body.get("tools", ())}
    tool = _tool(turn, offered, ("exec_command", "cmd"), ("", "", ""))
    if tool:
        call = {"name": tool.name, "arguments": json.dumps(tool.arguments), "call_id": f"call_{number}"}
        item: dict[str, Any] = {"type": "function_call", "id": f"fc_{number}", **call}
    else:
        text = {"type": "output_text", "text": _words(turn, offered), "annotations": []}
        item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [text]}
    usage = {
        "input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": 100},
        "output_tokens": OUTPUT_TOKENS,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    response = {"id": f"resp_{number}", "object": "response", "model": body["model"], "output": []}
    yield "response.created", {"response": {**response, "status": "in_progress"}}
    yield "response.output_item.added", {"output_index": 0, "item": item}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    yield "response.completed", {"response": {**response, "status": "completed", "output": [item], "usage": usage}}


# Gemini: POST /v1beta/models/<model>:streamGenerateContent


def gemini_turn(body: Body) -> int:
    return sum(content.get("role") == "model" for content in body["contents"])


def gemini(body: Body, turn: Turn) -> Iterator[Event]:
    offered = {declared["name"] for tool in body.get("tools", ()) for declared in tool.get("functionDeclarations", ())}
    tool = _tool(turn, offered, ("run_shell_command", "command"), ("write_file", "file_path", "content"))
    part: dict[str, Any] = {"text": _words(turn, offered)}
    if tool:
        part = {"functionCall": {"name": tool.name, "args": tool.arguments}}
    usage = {
        "promptTokenCount": INPUT_TOKENS,
        "cachedContentTokenCount": 100,
        "candidatesTokenCount": OUTPUT_TOKENS,
        "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    yield "", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "scripted"}


# OpenAI's older interface, which many servers speak: POST /v1/chat/completions


def chat_turn(body: Body) -> int:
    return sum(message["role"] == "assistant" for message in body["messages"])


def chat(body: Body, turn: Turn) -> Iterator[Event]:
    offered = {tool["function"]["name"] for tool in body.get("tools", ())}
    tool = _tool(turn, offered, ("bash", "command"), ("write", "filePath", "content"))
    delta: dict[str, Any] = {"role": "assistant", "content": _words(turn, offered)}
    if tool:
        more = {"description": "scripted"} if tool.name == "bash" else {}
        call = {"name": tool.name, "arguments": json.dumps({**tool.arguments, **more})}
        calls = [{"index": 0, "id": f"call_{chat_turn(body)}", "type": "function", "function": call}]
        delta = {"role": "assistant", "content": None, "tool_calls": calls}
    usage = {
        "prompt_tokens": INPUT_TOKENS,
        "prompt_tokens_details": {"cached_tokens": 100},
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    about = {"id": f"chat_{uuid.uuid4().hex}", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    end = "tool_calls" if tool else "stop"
    yield "", {**about, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield "", {**about, "choices": [{"index": 0, "delta": {}, "finish_reason": end}], "usage": usage}
