"""The writer's questions beside a person's answers: none is lost, none is changed."""

from __future__ import annotations

from typing import Any

from okstra_ctl.report.parts import complete
from support.reports import question, report

ANSWERED = question(1, "Web or API?", status="answered", answer="Web.")


def completed(*rows: Any) -> list[Any]:
    draft = report(clarifications=[ANSWERED])
    made = complete(draft, {"clarifications": list(rows)}, tokens=(draft["verdict"]["token"],))
    clarifications: list[Any] = made["clarifications"]
    return clarifications


def test_an_answered_question_that_the_writer_repeats_or_changes_stands_as_it_was() -> None:
    assert completed(ANSWERED, question(1, "Web or API?"), question(1, "Other", status="obsolete")) == [ANSWERED]


def test_a_new_question_under_a_taken_id_gets_the_next_free_one() -> None:
    other, own = question(1, "How long?"), question(4, "How many?")
    assert completed(other, own) == [ANSWERED, own, {**other, "id": "C-005"}]


def test_rows_of_a_wrong_kind_are_left_for_the_schema_to_tell() -> None:
    assert completed("what", 3) == [ANSWERED, "what", 3]
