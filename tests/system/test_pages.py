"""Templates escape by default: whatever a value holds, on a page it stays text, and every character of it shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from okstra_ctl.errors import Missing
from okstra_ctl.system import pages
from okstra_ctl.system.text import visible
from support.pages import ANY_TEXT, HOSTILE, Collector
from support.reports import page, report
from support.sealed import ROOT

_ANY = st.lists(ANY_TEXT | HOSTILE, max_size=5).map("".join)
_TEMPLATE = '<p title="{{ value }}">{{ value }}{{ "[" ~ value ~ "]" }}{{ [value, "b"] | join(" ") }}</p>'


@given(_ANY)
def test_a_value_is_one_text_and_no_element(value: str) -> None:
    read = Collector(pages.text(value))
    assert read.elements == []
    assert read.data == visible(value)


@given(_ANY)
def test_a_value_in_a_template_is_text_and_no_other_attribute(value: str) -> None:
    made = pages.environment_of(str(ROOT / "templates")).from_string(_TEMPLATE).render(value=value)
    shown = visible(value)
    assert Collector(made).elements == [("p", {"title": shown})]
    assert Collector(made).data == f"{shown}[{shown}]{shown} b"


def test_a_macro_of_a_template_is_not_escaped_twice() -> None:
    text = "{% macro b(x) %}<b>{{ x }}</b>{% endmacro %}{{ b(value) }}{{ b(b(value)) }}"
    made = pages.environment_of(str(ROOT / "templates")).from_string(text).render(value="<\x1b>")
    assert made == "<b>&lt;\u241b&gt;</b><b><b>&lt;\u241b&gt;</b></b>"


def test_a_name_that_is_not_there_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(UndefinedError):
        pages.environment_of(str(ROOT / "templates")).from_string("{{ value }}").render()


def test_a_template_that_is_not_there_is_named() -> None:
    with pytest.raises(Missing, match=r"none\.j2") as raised:
        pages.render("reports/none.j2", {})
    assert raised.value.code == "assets-missing"


def test_nothing_is_printed_for_none() -> None:
    assert pages.text(None) == ""
    assert "None" not in Collector(page(report(execution=[{**report()["execution"][0], "findings": None}]))).data


@given(_ANY)
def test_no_character_of_a_report_steers_its_page(said: str) -> None:
    html = page(report("implementation-planning", said), line=said)
    assert visible(html) == html


@given(ANY_TEXT)
def test_what_is_visible_stays_the_same(value: str) -> None:
    assert visible(visible(value)) == visible(value)


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("\x1b[31mred\x1b[0m", "\u241b[31mred\u241b[0m"),
        ("a\u202eb", "a\u2039U+202E\u203ab"),
        ("zero\u200bwidth\ufeff", "zero\u2039U+200B\u203awidth\u2039U+FEFF\u203a"),
        ("tag\U000e0041", "tag\u2039U+E0041\u203a"),
        ("nul\0 del\x7f", "nul\u2400 del\u2421"),
        ("byte \udcff", "byte \\xff"),
        ("lone \ud800", "lone \u2039U+D800\u203a"),
        ("line\r\nend\ttab", "line\u240d\nend\ttab"),
        ("한국어 👩‍👩‍👧 naïve", "한국어 👩‍👩‍👧 naïve"),
    ],
)
def test_letters_that_steer_are_spelled_out(value: str, seen: str) -> None:
    assert visible(value) == seen


@pytest.mark.parametrize("content", ["a</script>b", "a</SCRIPT b", "<!-- x"])
def test_what_would_end_a_script_early_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="early"):
        pages.verbatim(content, "script")
