"""Answers to a report's questions, as a markdown file that a person writes or a report's page exports.

    ---
    task-key: shop:auth:LOGIN-7
    run: shop:auth:LOGIN-7/error-analysis/001
    ---
    ## C-001
    > Which sessions are meant?

    Those of the web client.

The block quotation below a heading is the question; what follows it, up to the next heading of this form, is the
answer. A line of an answer that looks like such a heading has a backslash in front (docs/formats.md).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import OkstraError, UsageError
from ..markdown import BOM, find_frontmatter, split_lines
from ..names import RunId, TaskKey
from ..paths import RunFiles, TaskFiles
from ..system import files
from ..system.secrets import hide

MAX_BYTES = 256 * 1024
_HEADING = re.compile(r"## (C-[0-9]{3,9})[ \t]*$")
_ESCAPED = re.compile(r"\\+## C-[0-9]{3,9}[ \t]*$")
_QUOTED = re.compile(r" {0,3}> ?(.*)$")
_FIELD = re.compile(r"([a-z][a-z-]*):[ \t]+(.*?)[ \t]*$")
_FLAG = "--clarification-response"


class AnsweredQuestion(NamedTuple):
    """A question with its answer. `question` is as the file quotes it; empty when it does not."""

    id: str
    question: str
    answer: str


class UserResponse(NamedTuple):
    """`task_key` and `run` are empty when the file does not name them; `remarks` answers no numbered question."""

    task_key: str
    run: str
    answers: tuple[AnsweredQuestion, ...]
    remarks: str


def parse_user_response(text: str) -> UserResponse:
    """Reads what a person wrote, as leniently as possible: text under no heading is a remark.

    The later of two answers to a question counts; an empty answer is none.
    """
    fields, lines = _split(text.removeprefix(BOM))
    remarks: list[str] = []
    blocks: list[tuple[str, list[str]]] = []
    for line in lines:
        heading = _HEADING.match(line)
        if heading:
            blocks.append((heading[1], []))
        else:
            (blocks[-1][1] if blocks else remarks).append(line)
    found: dict[str, AnsweredQuestion] = {}
    for name, block in blocks:
        question, answer = _question_and_answer(block)
        if answer:
            found[name] = AnsweredQuestion(name, question, answer)
    remark = "\n".join(line for line in remarks if not line.startswith("# ")).strip()
    return UserResponse(fields.get("task-key", ""), fields.get("run", ""), tuple(found.values()), remark)


def user_response_text(task_key: str, run: str, items: Iterable[AnsweredQuestion]) -> str:
    """The file; with empty answers it is a form to fill in."""
    lines = ["---", f"task-key: {task_key}", f"run: {run}", "---"]
    for one in items:
        quoted = [f"> {line}".rstrip() for line in split_lines(one.question)]
        answer = [_escaped(line) for line in split_lines(one.answer.strip())]
        lines += ["", f"## {one.id}", *quoted, "", *answer]
    return "\n".join(lines).rstrip() + "\n"


def questions_of(report: Mapping[str, Any]) -> list[AnsweredQuestion]:
    """The report's questions that wait for an answer."""
    rows: Sequence[Mapping[str, Any]] = report["clarifications"]
    return [AnsweredQuestion(row["id"], row["question"], row["answer"]) for row in rows if row["status"] == "open"]


def prompt_text(response: UserResponse) -> str:
    """The text for the next run's prompts: each question with its answer, indented so that it ends no list."""
    parts = []
    for one in response.answers:
        parts += [f"{one.id}: {' '.join(one.question.split()) or '(question not quoted)'}"]
        parts += [f"  {line}".rstrip() for line in ["Answer:", *split_lines(one.answer)]]
    parts += split_lines(response.remarks) if response.remarks else []
    return "\n" + "\n".join(f"  {line}".rstrip() for line in parts)


def answered_rows(response: UserResponse, earlier: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Rows for the next report's clarifications. `earlier` are those of the report that asked, by id: its question
    counts, whatever the file quotes."""
    rows = []
    for one in response.answers:
        row = earlier.get(one.id, {})
        question = str(row.get("question") or one.question)
        rows.append(
            {
                "id": one.id,
                "question": question,
                "status": "answered",
                "blocks": str(row.get("blocks", "")),
                "answer": one.answer,
            }
        )
    return rows


def _split(text: str) -> tuple[dict[str, str], list[str]]:
    """The frontmatter's fields, and the lines after it."""
    block = find_frontmatter(text)
    if block is None:
        return {}, split_lines(text)
    inside = split_lines(text[block.start : block.end])
    fields = {found[1]: found[2] for line in inside if (found := _FIELD.match(line))}
    return fields, split_lines(text)[block.line_count :]


def _question_and_answer(block: Sequence[str]) -> tuple[str, str]:
    lines = list(block)
    while lines and not lines[0].strip():
        lines.pop(0)
    question = []
    while lines and (quoted := _QUOTED.match(lines[0])):
        question.append(quoted[1])
        lines.pop(0)
    answer = "\n".join(_unescaped(line) for line in lines).strip()
    return "\n".join(question).strip(), answer


def _escaped(line: str) -> str:
    return f"\\{line}" if _HEADING.match(line) or _ESCAPED.match(line) else line


def _unescaped(line: str) -> str:
    return line[1:] if _ESCAPED.match(line) else line


class ClarificationFile(NamedTuple):
    """`text` is kept with the run; `prompt` goes into its agents' prompts."""

    text: str
    prompt: str


def read_answers(path: str, task: TaskFiles, key: TaskKey) -> ClarificationFile | None:
    """Reads and checks a file of answers; None without a path. Raises UsageError (`not-found`, `answers-invalid`),
    Unreadable."""
    if not path:
        return None
    data = files.read_bytes(path)
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


def answers_of_run(paths: RunFiles, task: TaskFiles, key: TaskKey) -> list[dict[str, str]]:
    """Rows of the run's own report for the questions that were answered. Raises Unreadable."""
    data = files.read_bytes(paths.user_response)
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
        report = files.read_json(task.run_of(run).report_data) if run.task == key else None
    except OkstraError:
        return {}
    rows = (report or {}).get("clarifications")
    found = rows if isinstance(rows, list) else []
    return {str(row.get("id")): row for row in found if isinstance(row, dict) and row.get("question")}


def _invalid(path: str, message: str) -> UsageError:
    hint = "`## C-001`, and the answer below it; the report's page makes such a file (docs/formats.md)"
    return UsageError("answers-invalid", f"{os.path.basename(path)}: {message}", where=_FLAG, hint=hint)
