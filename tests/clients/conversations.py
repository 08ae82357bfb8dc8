"""What a request to the Anthropic API holds of the conversation so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class AnsweredQuestion(NamedTuple):
    """A tool call of the model's, and what the client told it of its end."""

    tool: str
    given: Mapping[str, Any]
    said: str
    failed: bool


def answered(messages: Sequence[Mapping[str, Any]]) -> list[AnsweredQuestion]:
    """The tool calls of a conversation (a request's `messages`) that have an answer, in the answers' order."""
    calls: dict[str, Mapping[str, Any]] = {}
    found = []
    for block in _blocks(messages):
        if block.get("type") == "tool_use":
            calls[block["id"]] = block
        elif block.get("type") == "tool_result":
            call = calls[block["tool_use_id"]]
            failed = block.get("is_error") is True
            found.append(AnsweredQuestion(call["name"], call["input"], text_of(block.get("content")), failed))
    return found


def told(messages: Sequence[Mapping[str, Any]]) -> str:
    """Everything that the model was told outside tool results."""
    return "\n".join(
        text_of([block]) for message in messages if message["role"] != "assistant" for block in _blocks([message])
    )


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content or () if block.get("type") == "text")


def _blocks(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for message in messages:
        content = message["content"]
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else content
