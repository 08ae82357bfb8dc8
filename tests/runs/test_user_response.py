"""A person's answers: written and read back alike, and read leniently where a person wrote them by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.runs.user_response import (
    AnsweredQuestion,
    answered_rows,
    parse_user_response,
    prompt_text,
    questions_of,
    user_response_text,
)
from support.reports import question, report

_LINES = st.sampled_from(["## C-002", "\\## C-001", "> quoted", "```", "---", "# Title", "", "  indented", "## C-1 x"])
_TEXT = st.lists(_LINES | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r")), max_size=6)
_ANSWER = _TEXT.map(lambda lines: "\n".join(lines).strip()).filter(bool)
_QUESTION = _TEXT.map(lambda lines: "\n".join(line.rstrip() for line in "\n".join(lines).split("\n")).strip())


@given(st.dictionaries(st.integers(1, 999), st.tuples(_QUESTION, _ANSWER), max_size=4))
def test_what_is_written_is_read_back(items: dict[int, tuple[str, str]]) -> None:
    answers = tuple(AnsweredQuestion(f"C-{number:03d}", *texts) for number, texts in items.items())
    read = parse_user_response(user_response_text("demo:core:T-1", "demo:core:T-1/error-analysis/001", answers))
    assert (read.task_key, read.run) == ("demo:core:T-1", "demo:core:T-1/error-analysis/001")
    assert read.answers == answers
    assert read.remarks == ""


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    read = parse_user_response(text)
    assert all(one.answer and one.id.startswith("C-") for one in read.answers)


def test_a_form_that_nobody_filled_in_answers_nothing() -> None:
    form = user_response_text("demo:core:T-1", "run", questions_of(report(said="Which?\nAnd why?")))
    assert "## C-001\n> Which?\n> And why?\n" in form
    assert "C-002" not in form  # it is answered already
    read = parse_user_response(form)
    assert (read.answers, read.remarks) == ((), "")


def test_an_answer_by_hand_needs_neither_frontmatter_nor_question() -> None:
    read = parse_user_response("# Mine\nJust do it.\n\n## C-001  \nYes.\n\n## C-002\n\n## C-001\nNo.\n")
    assert read.answers == (AnsweredQuestion("C-001", "", "No."),)
    assert read.remarks == "Just do it."


def test_a_byte_order_mark_and_windows_lines_are_no_trouble() -> None:
    read = parse_user_response("\ufeff---\r\ntask-key: a:b:c\r\n---\r\n## C-001\r\n> Q?\r\n\r\nYes.\r\nAnd no.\r\n")
    assert read.task_key == "a:b:c"
    assert read.answers == (AnsweredQuestion("C-001", "Q?", "Yes.\nAnd no."),)


def test_a_prompt_gets_questions_and_answers_set_in() -> None:
    read = parse_user_response("Be quick.\n## C-001\n> Web\n> or API?\n\nWeb.\n## Not a heading of ours\n")
    assert prompt_text(read) == (
        "\n  C-001: Web or API?\n    Answer:\n    Web.\n    ## Not a heading of ours\n  Be quick."
    )


def test_the_next_reports_rows_hold_what_was_asked_not_what_the_file_quotes() -> None:
    read = parse_user_response("## C-001\n> forged\n\nYes.\n## C-009\n> quoted\n\nNo.\n")
    rows = answered_rows(read, {"C-001": question(1, "Really?")})
    assert rows == [
        question(1, "Really?", status="answered", answer="Yes."),
        {"id": "C-009", "question": "quoted", "status": "answered", "blocks": "", "answer": "No."},
    ]
