"""A word is to okstra's code what a member of a `str` enumeration is, whichever way it is made, read or copied."""

from __future__ import annotations

import copy
import json
import pickle
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.words.word import Word


class Ours(Word):
    """Three words, one of them said to be special."""

    RED = "red"
    DARK_BLUE = "dark-blue"
    """A word can be told about."""
    NONE = ""

    @property
    def special(self) -> bool:
        return self is Ours.DARK_BLUE


class Others(Word):
    RED = "red"


class Theirs(str, Enum):
    RED = "red"
    DARK_BLUE = "dark-blue"
    NONE = ""


def test_its_members_are_those_of_an_enumeration() -> None:
    assert [(one.name, one.value) for one in Ours] == [(one.name, one.value) for one in Theirs]
    assert len(list(Ours)) == len(Ours) == 3
    assert [one.special for one in Ours] == [False, True, False]


@given(st.one_of(st.sampled_from(["red", "dark-blue", "", "DARK_BLUE"]), st.text(), st.none(), st.lists(st.text())))
def test_a_text_is_looked_up_as_in_an_enumeration(text: object) -> None:
    try:
        expected = Theirs(text)  # type: ignore[arg-type]
    except ValueError:
        with pytest.raises(ValueError, match="Ours"):
            Ours(text)  # type: ignore[arg-type]
        return
    assert Ours(text).name == expected.name  # type: ignore[arg-type]


@pytest.mark.parametrize("member", list(Ours))
def test_there_is_one_of_each(member: Ours) -> None:
    assert Ours(member.value) is member
    assert Ours(member) is member
    assert copy.copy(member) is member
    assert copy.deepcopy({"it": [member]})["it"][0] is member
    assert pickle.loads(pickle.dumps(member)) is member


@pytest.mark.parametrize("member", list(Ours))
def test_it_is_its_text(member: Ours) -> None:
    assert f"{member}" == str(member) == member == member.value
    assert type(str(member)) is type(member.value) is str
    assert {member: 1}[member.value] == 1
    assert json.dumps([member, {member: member}]) == json.dumps([member.value, {member.value: member.value}])


def test_sets_of_words_are_kinds_of_their_own() -> None:
    assert type(Others.RED) is not type(Ours.RED)
    assert repr(Ours.RED) == "Ours.RED"
    assert "red" in list(Ours)
    assert not hasattr(Others, "DARK_BLUE")
