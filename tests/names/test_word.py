"""A word is its own text wherever it is written."""

from __future__ import annotations

import json

import pytest

from okstra_ctl.status import Word


class Colour(Word):
    RED = "red"
    DARK_BLUE = "dark-blue"


@pytest.mark.parametrize("member", list(Colour))
def test_a_word_is_its_text(member: Colour) -> None:
    assert f"{member}" == str(member) == member == member.value
    assert type(str(member)) is str
    assert {member: 1}[member.value] == 1
    assert json.dumps([member, {member: member}]) == json.dumps([member.value, {member.value: member.value}])
