"""Escaped by default: whatever a text holds, it stays text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.core.report.html.markup import Markup, joined, shown, tag, text, verbatim
from support.pages import ANY_TEXT, HOSTILE, Collector


@given(st.lists(ANY_TEXT | HOSTILE, max_size=5).map("".join))
def test_a_text_is_one_text_and_no_element(value: str) -> None:
    read = Collector(text(value))
    assert read.elements == []
    assert read.data == shown(value)


@given(ANY_TEXT | HOSTILE)
def test_an_attribute_holds_its_whole_value_and_no_other_attribute(value: str) -> None:
    read = Collector(tag("p", title=value))
    assert read.elements == [("p", {"title": shown(value)})]


@given(ANY_TEXT)
def test_what_is_shown_stays_the_same_when_shown_again(value: str) -> None:
    assert shown(shown(value)) == shown(value)


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
    assert shown(value) == seen


def test_markup_is_not_escaped_twice_and_text_in_lists_is_escaped_once() -> None:
    made = tag("p", [tag("b", "<i>"), None, ["&", 3]], class_="x", hidden=True, id=None)
    assert made == '<p class="x" hidden><b>&lt;i&gt;</b>&amp;3</p>'
    assert isinstance(joined([made]), Markup)
    assert joined([made]) == made


@pytest.mark.parametrize("content", ["a</script>b", "a</SCRIPT b", "<!-- x"])
def test_what_would_end_a_script_early_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="early"):
        verbatim(content, "script")
