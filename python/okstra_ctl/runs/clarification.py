"""A person's answers to an earlier report's questions, on their way into a run (`--clarification-response`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import OkstraError, UsageError
from ..names import RunId, TaskKey
from ..paths import RunFiles, TaskFiles
from ..system import files as fsio
from ..system.secrets import hide
from .user_response import MAX_BYTES, UserResponse, answered_rows, parse_user_response, prompt_text

_FLAG = "--clarification-response"


class ClarificationFile(NamedTuple):
    """`text` is kept with the run; `prompt` goes into its agents' prompts."""

    text: str
    prompt: str


def read_answers(path: str, task: TaskFiles, key: TaskKey) -> ClarificationFile | None:
    """Reads and checks a file of answers; None without a path. Raises UsageError (`not-found`, `answers-invalid`),
    Unreadable."""
    if not path:
        return None
    data = fsio.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no file {path}", where=_FLAG)
    if len(data) > MAX_BYTES:
        raise _invalid(path, f"it is larger than {MAX_BYTES} bytes")
    try:
        text = hide(data.decode("utf-8"))[0]
    except UnicodeDecodeError as error:
        raise _invalid(path, f"it is not UTF-8 text (byte {error.start})") from error
    response = parse_user_response(text)
    if response.task_key and response.task_key != str(key):
        raise _invalid(path, f"it answers questions of {response.task_key}, not of {key}")
    if not response.answers and not response.remarks:
        raise _invalid(path, "no question is answered in it")
    return ClarificationFile(text, prompt_text(_as_asked(response, task, key)))


def answers_of_run(files: RunFiles, task: TaskFiles, key: TaskKey) -> list[dict[str, str]]:
    """Rows of the run's own report for the questions that were answered. Raises Unreadable."""
    data = fsio.read_bytes(files.user_response)
    if data is None:
        return []
    response = parse_user_response(data.decode("utf-8", "replace"))
    return answered_rows(response, _asked(response, task, key))


def _as_asked(response: UserResponse, task: TaskFiles, key: TaskKey) -> UserResponse:
    """The answers with the questions as the report asked them, where it can be read."""
    asked = _asked(response, task, key)
    answers = (
        one._replace(question=str(asked[one.id]["question"])) if one.id in asked else one for one in response.answers
    )
    return response._replace(answers=tuple(answers))


def _asked(response: UserResponse, task: TaskFiles, key: TaskKey) -> Mapping[str, Mapping[str, Any]]:
    """The questions of the report that the file names, by id; none when it names no report of this task."""
    try:
        run = RunId.parse(response.run)
        report = fsio.read_json(task.run_of(run).report_data) if run.task == key else None
    except OkstraError:
        return {}
    rows = (report or {}).get("clarifications")
    found = rows if isinstance(rows, list) else []
    return {str(row.get("id")): row for row in found if isinstance(row, dict) and row.get("question")}


def _invalid(path: str, message: str) -> UsageError:
    hint = "`## C-001`, and the answer below it; the report's page makes such a file (docs/formats.md)"
    return UsageError("answers-invalid", f"{os.path.basename(path)}: {message}", where=_FLAG, hint=hint)
