"""The files that clients keep of their sessions, as the real ones write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
SESSION = "0b6f1d4e-3c55-4b8e-9d0e-6f3f4f0a1b2c"
LATER = "2999-01-01T00:00:00.000Z"


def answer(
    identity: str, model: str, *counts: int, at: str = LATER, long_written: int = 0, sidechain: bool = False
) -> Row:
    """One row of an answer; `counts` are input, read from the cache, written to it, output."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    usage: Row = dict(zip(names, counts, strict=True))
    if long_written:
        usage["cache_creation"] = {"ephemeral_1h_input_tokens": long_written, "ephemeral_5m_input_tokens": 0}
    message = {"id": identity, "model": model, "role": "assistant", "content": [], "usage": usage}
    return {"type": "assistant", "timestamp": at, "uuid": f"u-{identity}", "isSidechain": sidechain, "message": message}


def asked(text: str) -> Row:
    return {"type": "user", "timestamp": LATER, "message": {"role": "user", "content": text}}


def claude_session(home: Path, rows: Sequence[Row], agents: Mapping[str, Sequence[Row]] | None = None) -> Path:
    """A session's file in Claude Code's folder, with its sub-agents'; answers the session's."""
    path = home / "projects" / "-work-it" / f"{SESSION}.jsonl"
    write_rows(path, [{"type": "queue-operation", "sessionId": SESSION}, *rows])
    for name, told in (agents or {}).items():
        write_rows(path.parent / SESSION / "subagents" / f"agent-{name}.jsonl", told)
    return path


def rollout(
    home: Path, thread: str, *calls: tuple[str, int, int, int], model: str, parent: str = "", day: str = "2026/11/22"
) -> Path:
    """A thread's file in Codex's folder; a call is its id, its whole input, what of that was cached, and its output."""
    source: Any = {"subagent": {"thread_spawn": {"parent_thread_id": parent, "depth": 1}}} if parent else "exec"
    rows: list[Row] = [{"type": "session_meta", "payload": {"id": thread, "source": source}}]
    rows.append({"type": "turn_context", "payload": {"model": model}})
    for identity, whole, cached, output in calls:
        usage = {"input_tokens": whole, "cached_input_tokens": cached, "output_tokens": output}
        rows.append({"type": "token_usage_record", "payload": {"response_id": identity, "usage": usage}})
    stamp = f"{day.replace('/', '-')}T10-00-00"
    return write_rows(home / "sessions" / day / f"rollout-{stamp}-{thread}.jsonl", rows)


def write_rows(path: Path, rows: Sequence[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
