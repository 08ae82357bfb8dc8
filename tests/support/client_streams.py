"""What the real clients print, as lines of their streams: a good run of each, and their errors."""

from __future__ import annotations

import json
from typing import Any

Event = dict[str, Any]


def stream(*events: Event) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


# claude


def claude_answer(text: str = "done", model: str = "claude-x-1", **more: object) -> Event:
    message = {
        "id": "msg_1",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "usage": {"output_tokens": 1},
    }
    return {"type": "assistant", "message": message, "parent_tool_use_id": None, **more}


def claude_result(**more: object) -> Event:
    used = {
        "inputTokens": 3000,
        "outputTokens": 60,
        "cacheReadInputTokens": 500,
        "cacheCreationInputTokens": 300,
        "costUSD": 0.01,
    }
    return {
        "duration_ms": 10,
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "done",
        "total_cost_usd": 0.0125,
        "usage": {"input_tokens": 1},
        "modelUsage": {"claude-x-1": used},
        "permission_denials": [],
        "api_error_status": None,
        **more,
    }


CLAUDE_INIT: Event = {
    "type": "system",
    "subtype": "init",
    "model": "claude-asked",
    "tools": ["Bash"],
    "session_id": "c",
}
CLAUDE_GOOD = (CLAUDE_INIT, claude_answer(), claude_result())


def claude_error(status: int | None, text: str) -> tuple[Event, ...]:
    """On errors of the API the subtype is `success` all the same, and the client answers in the model's place."""
    synthetic = claude_answer(text, model="<synthetic>")
    result = claude_result(is_error=True, api_error_status=status, result=text, modelUsage={})
    return (CLAUDE_INIT, synthetic, result)


# codex

CODEX_USAGE = {
    "input_tokens": 7000,
    "cached_input_tokens": 300,
    "cache_write_input_tokens": 7,
    "output_tokens": 120,
    "reasoning_output_tokens": 5,
}


def codex_item(kind: str, **more: object) -> Event:
    return {"type": "item.completed", "item": {"id": "item_0", "type": kind, **more}}


CODEX_GOOD: tuple[Event, ...] = (
    {"type": "thread.started", "thread_id": "t"},
    {"type": "turn.started"},
    codex_item("agent_message", text="I look."),
    codex_item("command_execution", command="git log", exit_code=0),
    codex_item("agent_message", text="the result"),
    {"type": "turn.completed", "usage": CODEX_USAGE},
)


def codex_error(message: str) -> tuple[Event, ...]:
    return (
        *CODEX_GOOD[:2],
        {"type": "error", "message": f"Reconnecting... 1/5 ({message})"},
        {"type": "error", "message": message},
        {"type": "turn.failed", "error": {"message": message}},
    )


# gemini


def gemini_message(text: str, role: str = "assistant") -> Event:
    return {"type": "message", "role": role, "content": text, "delta": True}


def gemini_tool(number: int, command: str) -> Event:
    return {
        "type": "tool_use",
        "tool_name": "run_shell_command",
        "tool_id": f"t{number}",
        "parameters": {"command": command},
    }


GEMINI_STATS = {
    "total_tokens": 1030,
    "input_tokens": 1000,
    "output_tokens": 10,
    "cached": 100,
    "input": 900,
    "models": {
        "gemini-x": {"total_tokens": 1030, "input_tokens": 1000, "output_tokens": 10, "cached": 100, "input": 900},
        "gemini-idle": {"total_tokens": 0},
    },
}
GEMINI_GOOD: tuple[Event, ...] = (
    {"type": "init", "session_id": "s", "model": "gemini-asked"},
    gemini_message("do it", role="user"),
    gemini_message("I look."),
    gemini_tool(1, "git log"),
    {"type": "tool_result", "tool_id": "t1", "status": "success", "output": "x"},
    gemini_message("the "),
    gemini_message("result"),
    {"type": "result", "status": "success", "stats": GEMINI_STATS},
)


def gemini_error(message: str) -> tuple[Event, ...]:
    result = {"type": "result", "status": "error", "error": {"type": "unknown", "message": message}, "stats": {}}
    return (*GEMINI_GOOD[:2], result)
