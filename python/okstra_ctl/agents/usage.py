"""Tokens from the files that clients keep of their sessions, sub-agents included (docs/how-to/cost.md).

A row that can't be read may have held a count: then the sums are lower bounds, and marked as such (`whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..usage.tokens import ModelTokens, Tokens
from . import transcripts
from .streams import Event, at, count_at, events, list_at, mapping_at, text_at

_SYNTHETIC = "<synthetic>"  # the "model" of messages that the client itself writes
_DEEPEST = 3  # how deep sub-agents' sub-agents are followed


class Counted(NamedTuple):
    """What a session's files report; `whole` is False when some of it could not be read."""

    models: tuple[ModelTokens, ...]
    whole: bool


class _Call(NamedTuple):
    """One request to a model."""

    model: str
    tokens: Tokens
    long_written: int


def claude_session(
    home: str, session: str, since: str, part_of: Callable[[str], str], *, until: str = ""
) -> dict[str, Counted] | None:
    """Usage by part, from `since` on (a time in okstra's format); None when there is no such session.

    `part_of` returns whose work a sub-agent does, from the text that it was started with; empty for the session's own.
    """
    files = transcripts.claude_session(home, session)
    if files is None:
        return None
    calls: dict[str, tuple[str, _Call]] = {}
    whole: dict[str, bool] = {}
    for path in (files.session, *files.agents):
        part, sound = "", True
        for line in transcripts.lines_of(path):
            rows, good = _rows(line, b'"usage"', b'"user"')
            sound = sound and good
            for row in rows:
                if row.get("type") == "user" and path != files.session and not part:
                    part = part_of(_text_of(row))
                if _is_within(row, since, until) and (call := _claude_call(row)) is not None:
                    identity = text_at(row, "message", "id") or text_at(row, "uuid")
                    calls[identity] = (part, call)
        whole[part] = whole.get(part, True) and sound
    return {
        part: Counted(_summed(call for owner, call in calls.values() if owner == part), sound)
        for part, sound in whole.items()
    }


def codex_thread(home: str, thread: str) -> Counted | None:
    """Usage of the thread and its sub-agents; None when there is no such file."""
    paths = transcripts.codex_rollouts(home, thread)
    if not paths:
        return None
    parents = {thread}
    kept, rest = [paths[0]], {path: _parent(path) for path in paths[1:]}
    for _ in range(_DEEPEST):
        found = [path for path, (_, parent) in rest.items() if parent in parents]
        parents |= {rest.pop(path)[0] for path in found}
        kept += found
    calls: dict[str, _Call] = {}
    sound = True
    for path in kept:
        model = ""
        for number, line in enumerate(transcripts.lines_of(path)):
            rows, good = _rows(line, b"turn_context", b"token_usage_record")
            sound = sound and good
            for row in rows:
                if row.get("type") == "turn_context":
                    model = text_at(row, "payload", "model") or model
                elif row.get("type") == "token_usage_record":
                    identity = text_at(row, "payload", "response_id") or f"{path}:{number}"
                    calls.setdefault(identity, _codex_call(row, model))
    return Counted(_summed(calls.values()), sound) if calls else None


def codex_tokens(usage: Mapping[str, object]) -> Tokens:
    """Codex counts tokens read from and written to the cache as input; here they are separate."""
    cached, written = count_at(usage, "cached_input_tokens"), count_at(usage, "cache_write_input_tokens")
    fresh = max(0, count_at(usage, "input_tokens") - cached - written)
    return Tokens(fresh, cached, written, count_at(usage, "output_tokens"))


def _claude_call(row: Event) -> _Call | None:
    usage = at(row, "message", "usage")
    model = text_at(row, "message", "model")
    if row.get("type") != "assistant" or not isinstance(usage, dict) or model == _SYNTHETIC:
        return None
    tokens = Tokens(
        count_at(usage, "input_tokens"),
        count_at(usage, "cache_read_input_tokens"),
        count_at(usage, "cache_creation_input_tokens"),
        count_at(usage, "output_tokens"),
    )
    return _Call(model, tokens, count_at(usage, "cache_creation", "ephemeral_1h_input_tokens"))


def _codex_call(row: Event, model: str) -> _Call:
    return _Call(model, codex_tokens(mapping_at(row, "payload", "usage")), 0)


def _parent(path: str) -> tuple[str, str]:
    """The thread of a file, and the thread that it is a sub-agent of, both from its first row."""
    for line in transcripts.lines_of(path):
        for row in events(line):
            spawn = mapping_at(row, "payload", "source", "subagent", "thread_spawn")
            return text_at(row, "payload", "id"), text_at(spawn, "parent_thread_id")
        break
    return "", ""


def _rows(line: bytes, *wanted: bytes) -> tuple[list[Event], bool]:
    """The line's object if it contains one of the words, and whether the line is sound. Most lines need no parser."""
    if not line.strip():
        return [], True
    if not line.endswith(b"}\n"):  # torn, or still being written
        return events(line), False
    if not any(word in line for word in wanted):
        return [], True
    found = events(line)
    return found, bool(found)


def _is_within(row: Event, since: str, until: str) -> bool:
    """Whether a row is within that time; a row without a time is."""
    when = text_at(row, "timestamp")[:19]
    return not when or (since[:19] <= when and (not until or when <= until[:19]))


def _text_of(row: Event) -> str:
    content = at(row, "message", "content")
    if isinstance(content, str):
        return content
    return "\n".join(text_at(block, "text") for block in list_at(row, "message", "content"))


def _summed(calls: Iterable[_Call]) -> tuple[ModelTokens, ...]:
    sums: dict[str, ModelTokens] = {}
    for call in calls:
        before = sums.get(call.model, ModelTokens(call.model, Tokens()))
        prompt = call.tokens.input + call.tokens.cached + call.tokens.cache_written
        sums[call.model] = ModelTokens(
            call.model,
            before.tokens.plus(call.tokens),
            None,
            before.long_written + call.long_written,
            max(before.largest, prompt),
        )
    return tuple(sums[name] for name in sorted(sums))
