"""Filling placeholders."""

from __future__ import annotations

import pytest

from okstra_ctl.system.text import UnknownPlaceholder, fill, placeholders


def test_fill() -> None:
    assert fill("{{A}} and {{B_2}}, {{A}}", {"A": "x", "B_2": "y"}) == "x and y, x"


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(UnknownPlaceholder, match=r"^B$"):
        fill("{{A}}{{B}}", {"A": "x"})


def test_a_value_is_text_also_when_it_looks_like_a_placeholder() -> None:
    assert fill("{{A}}{{B}}", {"A": "{{B}}", "B": r"\1 \g<0>"}) == r"{{B}}\1 \g<0>"


@pytest.mark.parametrize("text", ["{{a}}", "{A}", "{{ A }}", "{{1A}}", "{{}}", "${A}"])
def test_what_is_no_placeholder_stays(text: str) -> None:
    assert fill(text, {"A": "x"}) == text


def test_placeholders() -> None:
    assert placeholders("{{A}} {{B}} {{A}} {{c}}") == {"A", "B"}
