"""What okstra's JSON is beyond the standard library's: letters as they are, and no text that can't be written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.system.text import encode, encode_line, loads

_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too


def test_letters_stay_letters_and_a_byte_of_no_text_becomes_an_escape() -> None:
    assert encode({"값": "한글"}) == '{"값": "한글"}'.encode()
    assert encode("\udcff") == b'"\\udcff"'


@given(st.dictionaries(_TEXT, st.lists(_TEXT | st.integers() | st.none())))
def test_whatever_text_is_written_is_read_again(value: dict[str, object]) -> None:
    assert loads(encode(value)) == loads(encode(value, indent=2)) == value
    assert encode_line(value).count(b"\n") == 1
