"""The questions for a person: with fields for the answers, and a way to take them along as a file."""

from __future__ import annotations

from ....words.hints import Any, Mapping
from ...shell_words import okstra_command
from ..user_response import questions_of, user_response_text
from . import pieces
from .markup import Markup, shown, tag
from .view import View


def questions(view: View) -> Markup:
    words, rows = view.words, view.report["clarifications"]
    if not rows:
        return pieces.section("questions", words("clarifications"), pieces.nothing(words))
    items = (_question(row, view) for row in rows)
    body = tag("div", items, class_="questions")
    if not any(row["status"] == "open" for row in rows):
        return pieces.section("questions", words("clarifications"), body)
    return pieces.section("questions", words("clarifications"), tag("form", body, _export(view), id="answers"))


def response_name(report: Mapping[str, Any]) -> str:
    return f"user-response-{report['task_type']}-{report['seq']:03d}.md"


def _question(row: Mapping[str, Any], view: View) -> Markup:
    words = view.words
    is_open = row["status"] == "open"
    head = [
        tag("b", row["id"], class_="id"),
        " ",
        pieces.badge(row["status"], words),
        tag("span", f" {words('blocks')}: {row['blocks']}", class_="muted") if row["blocks"] else None,
    ]
    name = f"answer-{row['id']}"
    field = tag("textarea", row["answer"], id=name, name=row["id"], rows=3, data_question=row["question"], dir="auto")
    answer = (
        [tag("label", f"{words('your_answer')} {row['id']}", for_=name, class_="muted small"), field]
        if is_open
        else pieces.prose(row["answer"], words, class_="prose answer")
    )
    return tag("div", tag("p", head), pieces.prose(row["question"], words), answer, class_="question", id=row["id"])


def _export(view: View) -> list[Markup]:
    """With JavaScript: download or copy. Always: the same file as text, to be filled in with an editor."""
    report, words = view.report, view.words
    name = response_name(report)
    following = okstra_command(
        "run", "--task-key", report["task_key"], "--task-type", report["task_type"], "--clarification-response", name
    )
    form = user_response_text(report["task_key"], report["run_id"], questions_of(report))
    buttons = tag(
        "p",
        tag("button", words("export_answers"), type="button", id="export-answers"),
        " ",
        tag("button", words("copy_answers"), type="button", id="copy-answers", class_="quiet"),
        " ",
        tag("span", "", id="answers-told", role="status", aria_live="polite", class_="muted"),
        class_="needs-js",
        data_file=name,
        data_task=shown(report["task_key"]),
        data_run=shown(report["run_id"]),
        data_told=words("answers_exported"),
        data_empty=words("no_answers_yet"),
        id="export",
    )
    by_hand = pieces.disclosure(words("answer_by_hand"), tag("pre", tag("code", form), tabindex="0"))
    return [
        buttons,
        by_hand,
        tag("p", words("then_run"), class_="eyebrow"),
        pieces.command(following, words, name="answer-step"),
    ]
