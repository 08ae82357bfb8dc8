"""The provider `claude`: Claude Code's `claude -p`, with the permissions of the job's access (docs/design/threats.md).

What is not allowed is refused, since nobody is there to ask; the deny rules override a person's own allow rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ..status import Access, Failure
from ..system.text import dumps
from ..usage.tokens import ModelTokens, Tokens
from ..usage.windows import Window, of_claude
from .environment import client_environment, extra_arguments
from .job import IGNORES_TREE, Job, Launch, StreamResult, Usage
from .streams import (
    Event,
    count_at,
    events,
    failure_in,
    failure_of_status,
    list_at,
    mapping_at,
    number_at,
    retry_after_epoch,
    retry_after_in,
    text_at,
    time_of,
)

_BUDGET = "--max-budget-usd"
_SYNTHETIC = "<synthetic>"  # the "model" of messages that the client itself writes, such as an API error
# Tools that would go on after the turn, or leave the worktree.
_NEVER = ("EnterWorktree", "ExitWorktree", "CronCreate", "ScheduleWakeup")
_ALWAYS = {"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1", "DISABLE_AUTOUPDATER": "1"}
# Within a turn the client's own retries are cheaper than ours, which begin anew; by default it takes minutes.
_UNLESS_SET = {"CLAUDE_CODE_MAX_RETRIES": "5", "API_TIMEOUT_MS": "300000"}


class Claude:
    name = "claude"

    def delivers_by_message(self, access: Access) -> bool:
        return False

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        mode = "acceptEdits" if job.access is Access.EDIT else "default"
        folders = [word for folder in (*job.writable, *job.readable) for word in ("--add-dir", folder)]
        argv = (
            *("claude", "-p", "--output-format", "stream-json", "--verbose"),
            *("--model", job.model, "--permission-mode", mode),
            *("--settings", dumps(settings(job))),
            *folders,
            *(("--setting-sources", "user") if job.options.get(IGNORES_TREE) else ()),
            *_within_budget(extra_arguments(job), job.budget_usd),
        )
        environment = client_environment(job, inherited, always=_ALWAYS, unless_set=_UNLESS_SET)
        return Launch(argv, prompt.encode("utf-8", "replace"), environment)

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        """There may be several turns in one run; the last result counts, and its `modelUsage` covers them all."""
        rows = events(stdout)
        results = [event for event in rows if event.get("type") == "result"]
        if not results or _has_open_turn(rows):
            return _unfinished(rows, stderr, exit_status)
        result = results[-1]
        failure, message = _failure(result, exit_status)
        return StreamResult(
            ended=True,
            failure=failure,
            message=message,
            retry_after=_retry_after(rows, message) if failure is Failure.RATE_LIMIT else None,
            model=_model(rows),
            usage=_usage(result),
            denials=_denials(results),
            last_message=text_at(result, "result"),
            session=_session(rows),
            windows=_windows(rows),
        )


def _within_budget(arguments: tuple[str, ...], budget: float | None) -> tuple[str, ...]:
    """The person's arguments with the client's own limit on its cost: the last one counts, so theirs stays if it is the
    smaller one."""
    if budget is None:
        return arguments
    theirs = [_amount(value) for flag, value in pairwise(arguments) if flag == _BUDGET]
    theirs += [_amount(word.partition("=")[2]) for word in arguments if word.startswith(f"{_BUDGET}=")]
    least = min([budget, *(amount for amount in theirs if amount is not None)])
    return (*arguments, _BUDGET, f"{least:.4f}")


def _amount(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def settings(job: Job) -> dict[str, Any]:
    """The client's settings for this job: `options["settings"]`, plus the permissions of the job's access."""
    allow = [f"Edit({rule_path(path)})" for path in (job.result, job.audit)]
    deny = list(_NEVER)
    if job.access is Access.READ:
        allow += ["Read", "Bash(okstra check:*)"]
        if not job.result.startswith(job.folder.rstrip("/") + "/"):
            deny.append(f"Edit({rule_path(job.folder)}/**)")
    else:  # no such deny rule under TEST: it would keep commands from creating their build folders
        allow += ["Read", "Bash"]
    deny.append("Bash(git push:*)")  # in no phase: a hand-off's steps are okstra's own
    given = job.options.get("settings")
    base: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    permissions = base.get("permissions")
    theirs: dict[str, Any] = dict(permissions) if isinstance(permissions, Mapping) else {}
    for name, rules in (("allow", allow), ("deny", deny)):
        theirs[name] = [*theirs.get(name, ()), *rules]
    return {**base, "permissions": theirs}


def rule_path(path: str) -> str:
    """An absolute path in the form of permission rules: two leading slashes, pattern characters escaped."""
    return "/" + re.sub(r"([\\*?\[\]!{}])", r"\\\1", path)


def _has_open_turn(rows: list[Event]) -> bool:
    """Whether a turn was started after the last result."""
    for event in reversed(rows):
        if event.get("type") == "result":
            return False
        if event.get("type") == "assistant" or text_at(event, "subtype") == "init":
            return True
    return False


def _unfinished(rows: list[Event], stderr: bytes, exit_status: int | None) -> StreamResult:
    complaint = stderr.decode("utf-8", "replace").strip()[-500:]
    refused = exit_status is not None and 0 < exit_status < 128 and not rows
    failure = failure_in(complaint) if refused else Failure.INTERRUPTED
    retry_after = _retry_after(rows, complaint) if failure is Failure.RATE_LIMIT else None
    stream = StreamResult(False, failure, complaint, retry_after, model=_model(rows), session=_session(rows))
    return stream._replace(windows=_windows(rows))


def _failure(result: Event, exit_status: int | None) -> tuple[Failure, str]:
    """`is_error` beats `subtype`, which is `success` for errors of the API too."""
    if result.get("is_error") is not True and text_at(result, "subtype") == "success":
        return (Failure.NONE, "") if exit_status in (0, None) else (Failure.CLIENT, f"it ended with {exit_status}")
    message = text_at(result, "result") or "; ".join(str(error) for error in list_at(result, "errors"))
    message = message or text_at(result, "subtype")
    return failure_of_status(result.get("api_error_status")) or failure_in(message), message


def _retry_after(rows: list[Event], message: str) -> float | None:
    """When the limit ends, by an event or the message. The pauses of the client's own retries (`api_retry`) are no end
    of a limit; nor is the end of the window in an event that allows more.
    """
    ends: dict[str, float] = {}
    for info in _limits(rows):
        end = number_at(info, "resetsAt")
        if end and text_at(info, "status") in ("", "rejected"):
            ends[text_at(info, "rateLimitType")] = end
    delays = [delay for end in ends.values() if (delay := retry_after_epoch(end)) is not None]
    return max(delays) if delays else retry_after_in(message)


def _limits(rows: list[Event]) -> list[Mapping[str, Any]]:
    events = [event for event in rows if text_at(event, "type") == "rate_limit_event"]
    return [mapping_at(event, "rate_limit_info") or event for event in events]


def _windows(rows: list[Event]) -> tuple[Window, ...]:
    return of_claude(_limits(rows), time_of)


def _model(rows: list[Event]) -> str | None:
    """The model of the last answer of the main turn, not of its sub-agents."""
    models = [
        text_at(event, "message", "model")
        for event in rows
        if event.get("type") == "assistant" and not event.get("parent_tool_use_id")
    ]
    answered = [model for model in models if model and model != _SYNTHETIC]
    return answered[-1] if answered else None


def _session(rows: list[Event]) -> str:
    """The last session id: the output may begin with another one's, if a hook of the person's prints it."""
    found = [text_at(event, "session_id") for event in rows if event.get("type") in ("system", "result")]
    return next((session for session in reversed(found) if session), "")


def _usage(result: Event) -> Usage | None:
    models = [
        _share(name, model) for name, model in mapping_at(result, "modelUsage").items() if isinstance(model, dict)
    ]
    if not models:
        return None
    summed = Tokens()
    for model in models:
        summed = summed.plus(model.tokens)
    return Usage(*summed, number_at(result, "total_cost_usd"), tuple(models))


def _share(name: str, model: Event) -> ModelTokens:
    names = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens")
    return ModelTokens(name, Tokens(*(count_at(model, one) for one in names)), number_at(model, "costUSD"))


def _denials(results: list[Event]) -> tuple[str, ...]:
    """What was refused, each once: a later result may repeat an earlier one's denials."""
    found: dict[str, str] = {}
    for result in results:
        for number, denial in enumerate(list_at(result, "permission_denials")):
            asked = mapping_at(denial, "tool_input")
            what = next((str(asked[name]) for name in ("command", "file_path", "path", "url") if name in asked), "")
            text = f"{text_at(denial, 'tool_name')}: {what[:200]}"
            found.setdefault(text_at(denial, "tool_use_id") or f"{number} {text}", text)
    return tuple(found.values())
