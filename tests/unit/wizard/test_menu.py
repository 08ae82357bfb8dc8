"""A list of the wizard: moving, marking, folding, whatever the person does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.core.wizard.records import Option, Question
from okstra_ctl.ui.wizard_menu import MORE, OTHER, Menu

WORDS = {"more": "more", "other": "else"}
NAMES = ("a", "b", "c", "d", "e", "f")


def question(kind: str = "pick", *, defaults: str = "", free: bool = False, names: tuple[str, ...] = NAMES) -> Question:
    options = tuple(Option(name, name.upper(), default=name in defaults.split(",")) for name in names)
    return Question("q", kind, "Q", "", options[:4], options[4:], defaults, free, "")


def values(menu: Menu) -> list[str]:
    return [row.option.value for row in menu.rows()]


def test_more_stands_for_what_is_folded_away() -> None:
    menu = Menu(question(), WORDS, "")
    assert values(menu) == ["a", "b", "c", "d", MORE]
    menu.move(-1)
    assert menu.lit() == Option(MORE, "more")
    menu.unfold()
    assert (values(menu), menu.lit()) == (list(NAMES), Option("e", "E"))


@pytest.mark.parametrize(
    ("before", "lit", "shown"), [("", "b", 5), ("c", "c", 5), ("f", "f", 6), ("gone", "b", 5), ("__back__", "b", 5)]
)
def test_an_earlier_answer_is_lit_and_else_the_default(before: str, lit: str, shown: int) -> None:
    menu = Menu(question(defaults="b"), WORDS, before)
    assert menu.lit() == Option(lit, lit.upper(), default=lit == "b")
    assert len(menu.rows()) == shown


def test_marks_are_answered_in_the_order_of_the_list() -> None:
    menu = Menu(question("multi", defaults="c,a"), WORDS, "")
    assert menu.marked() == "a,c"
    menu.go(1)
    menu.toggle()
    menu.go(0)
    menu.toggle()
    assert menu.marked() == "b,c"
    assert [row.marked for row in menu.rows()][:4] == [False, True, True, False]


def test_something_else_can_be_asked_for_and_an_empty_list_has_nothing_lit() -> None:
    assert values(Menu(question(free=True), WORDS, ""))[-1] == OTHER
    empty = Menu(question(names=()), WORDS, "")
    empty.move(1)
    assert empty.lit() is None


@given(st.lists(st.sampled_from(["up", "down", "unfold", "toggle", "end"])), st.sampled_from(["pick", "multi"]))
def test_one_row_is_always_lit(moves: list[str], kind: str) -> None:
    menu = Menu(question(kind, defaults="a", free=True), WORDS, "")
    for move in moves:
        {
            "up": lambda: menu.move(-1),
            "down": lambda: menu.move(1),
            "unfold": menu.unfold,
            "toggle": menu.toggle,
            "end": lambda: menu.go(len(menu.rows()) - 1),
        }[move]()
        lit = [row.option for row in menu.rows() if row.lit]
        assert lit == [menu.lit()]
    assert set(menu.marked().split(",")) <= {*NAMES, ""}
