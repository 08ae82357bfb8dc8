"""The provider `gemini`: the Gemini CLI, with a policy file for the job's access (`prompts/clients/`).

Its file tools reach only the worktree and the folders that it is given. Under READ it has no tool that writes, so the
closing message is the result; under TEST it may write only into the folder of its result.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import reduce

from ..status import Access, Failure
from ..system import assets
from ..usage.tokens import ModelTokens, Tokens
from .environment import client_environment, extra_arguments
from .job import Job, Launch, StreamResult, Usage
from .streams import (
    Event,
    closing_text,
    count_at,
    events,
    failure_in,
    failure_of_status,
    mapping_at,
    retry_after_in,
    text_at,
    whole,
)

_ALWAYS = {"GEMINI_CLI_NO_RELAUNCH": "true"}  # else the supervised process is not the one that works
_NO_LOGIN = 41
_HTTP_STATUSES = (400, 401, 403, 404, 429, 500, 502, 503, 504)  # it exits with the status modulo 256
_REFUSED = ("policy_violation", "requires user confirmation")


class Gemini:
    name = "gemini"

    def delivers_by_message(self, access: Access) -> bool:
        return access is Access.READ

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        mode = "auto_edit" if job.access is Access.EDIT else "default"
        folders = (*(() if job.access is Access.READ else job.writable), *job.readable)
        argv = (
            *("gemini", "--output-format", "stream-json", "--model", job.model, "--skip-trust"),
            *("--approval-mode", mode, "--admin-policy", policy_of(job)),
            *(word for folder in folders for word in ("--include-directories", folder)),
            *extra_arguments(job),
        )
        return Launch(argv, prompt.encode("utf-8", "replace"), client_environment(job, inherited, always=_ALWAYS))

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        rows = events(stdout)
        results = [event for event in rows if event.get("type") == "result"]
        if not results or rows[-1].get("type") != "result":
            return _unfinished(stderr, exit_status)
        result = results[-1]
        failure, message = _failure(result, exit_status)
        models = mapping_at(result, "stats", "models")
        answered = [name for name in models if count_at(models, name, "total_tokens")]
        return StreamResult(
            ended=True,
            failure=failure,
            message=message,
            retry_after=retry_after_in(message),
            model=answered[0] if len(answered) == 1 else None,
            usage=_usage(result),
            denials=_denials(rows),
            last_message=_last_message(rows),
        )


def policy_of(job: Job) -> str:
    """The policy file that goes with the access. Raises Missing (`assets-missing`)."""
    return os.path.join(assets.root(), "prompts", "clients", f"gemini-{job.access}.toml")


def _failure(result: Event, exit_status: int | None) -> tuple[Failure, str]:
    if text_at(result, "status") == "success" and exit_status in (0, None):
        return Failure.NONE, ""
    message = text_at(result, "error", "message") or f"it ended with {exit_status}"
    return _failure_of_exit(exit_status) or failure_in(message), message


def _failure_of_exit(exit_status: int | None) -> Failure | None:
    if exit_status == _NO_LOGIN:
        return Failure.LOGIN
    statuses = [status for status in _HTTP_STATUSES if exit_status is not None and status % 256 == exit_status]
    return failure_of_status(statuses[0]) if statuses else None


def _unfinished(stderr: bytes, exit_status: int | None) -> StreamResult:
    """Some errors are one JSON object on stderr, others plain text; a signal leaves nothing."""
    error = whole(stderr) or {}
    message = text_at(error, "error", "message") or stderr.decode("utf-8", "replace").strip()[-500:]
    refused = exit_status is not None and exit_status > 0
    failure = (_failure_of_exit(exit_status) or failure_in(message)) if refused else Failure.INTERRUPTED
    return StreamResult(ended=False, failure=failure, message=message, retry_after=retry_after_in(message))


def _last_message(rows: list[Event]) -> str:
    """The closing one of the texts between its tool calls; they arrive in pieces."""
    texts = [""]
    for event in rows:
        if event.get("type") in ("tool_use", "tool_result"):
            texts.append("")
        elif event.get("type") == "message" and event.get("role") == "assistant":
            texts[-1] += text_at(event, "content")
    return reduce(closing_text, texts)


def _denials(rows: list[Event]) -> tuple[str, ...]:
    asked = {text_at(event, "tool_id"): event for event in rows if event.get("type") == "tool_use"}
    found = []
    for event in rows:
        error = f"{text_at(event, 'error', 'type')} {text_at(event, 'error', 'message')}"
        if event.get("type") == "tool_result" and any(word in error for word in _REFUSED):
            tool = asked.get(text_at(event, "tool_id"), {})
            what = text_at(tool, "parameters", "command") or text_at(tool, "parameters", "file_path")
            found.append(f"{text_at(tool, 'tool_name')}: {what[:200]}")
    return tuple(found)


def _usage(result: Event) -> Usage | None:
    stats = mapping_at(result, "stats")
    if not stats:
        return None
    shares = mapping_at(stats, "models").items()
    models = [ModelTokens(name, _tokens(share)) for name, share in shares if count_at(share, "input_tokens")]
    return Usage(*_tokens(stats), models=tuple(models))


def _tokens(stats: Mapping[str, object]) -> Tokens:
    """Thinking tokens are only part of the total; they are output too."""
    thought = count_at(stats, "total_tokens") - count_at(stats, "input_tokens")
    written = max(count_at(stats, "output_tokens"), thought)
    return Tokens(count_at(stats, "input"), count_at(stats, "cached"), 0, written)
