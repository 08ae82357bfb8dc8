"""A record is to okstra's code what a `typing.NamedTuple` is, whichever way it is made, read or copied."""

from __future__ import annotations

import copy
import pickle
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from okstra_ctl.words.records import Record


class Ours(Record):
    """Of all kinds of fields."""

    first: int
    second: str
    third: int = 3
    fourth: str = "four"

    @property
    def both(self) -> str:
        return f"{self.first} {self.second}"


class Often(Record):
    first: int
    second: str
    third: int = 3
    fourth: str = "four"


class Theirs(NamedTuple):
    first: int
    second: str
    third: int = 3
    fourth: str = "four"


_NAMES = st.sampled_from([*Ours._fields, "fifth", "both"])


@given(st.lists(st.integers(), max_size=6), st.dictionaries(_NAMES, st.integers(), max_size=5))
def test_a_record_takes_what_a_named_tuple_takes(values: list[Any], named: dict[str, Any]) -> None:
    try:
        expected = Theirs(*values, **named)
    except TypeError:
        with pytest.raises(TypeError, match="Ours"):
            Ours(*values, **named)
        return
    made = Ours(*values, **named)
    assert made == expected
    assert made._asdict() == expected._asdict()
    assert [getattr(made, field) for field in Ours._fields] == list(expected)


@given(st.dictionaries(_NAMES, st.integers(), max_size=3))
def test_replacing_takes_fields_alone(changes: dict[str, Any]) -> None:
    ours, theirs = Ours(1, "2"), Theirs(1, "2")
    if changes.keys() <= set(Ours._fields):
        assert ours._replace(**changes) == theirs._replace(**changes)
        assert type(ours._replace(**changes)) is Ours
    else:
        with pytest.raises(TypeError, match="Ours"):
            ours._replace(**changes)


def test_a_class_that_is_made_often_takes_the_same() -> None:
    for number in range(800):  # three are made each time, and five refused
        assert Often(number, second="2") == (number, "2", 3, "four")
        assert Often(number, "2", 4, "5") == (number, "2", 4, "5")
        assert type(Often(number, "2")._replace(third=5)) is Often
        for values, named in (((), {}), ((1,), {}), ((1, 2, 3, 4, 5), {}), ((1,), {"first": 1}), ((1, 2), {"x": 1})):
            with pytest.raises(TypeError, match="Often"):
                Often(*values, **named)


def test_what_is_made_of_values_has_one_for_each_field() -> None:
    assert Ours._make(iter([1, "2", 3, "4"])) == (1, "2", 3, "4")
    for count in (0, 3, 5):
        with pytest.raises(TypeError, match="4 fields"):
            Ours._make(range(count))


def test_it_behaves_as_a_tuple_with_names() -> None:
    record = Ours(1, "two", fourth="4")
    first, *rest = record
    assert (first, rest, record[-1], record.both) == (1, ["two", 3, "4"], "4", "1 two")
    assert repr(record) == "Ours(first=1, second='two', third=3, fourth='4')"
    assert {record: "found"}[Ours(1, "two", 3, "4")] == "found"
    match record:
        case Ours(1, word):
            assert word == "two"
        case _:
            raise AssertionError("the record did not match its own fields")


def test_it_can_be_copied_and_pickled_and_not_changed() -> None:
    record = Ours(1, "two")
    assert copy.deepcopy(record) == record == pickle.loads(pickle.dumps(record))
    assert type(copy.copy(record)) is Ours
    with pytest.raises(AttributeError):
        record.first = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        record.fifth = 5  # type: ignore[attr-defined]


def test_a_class_that_cannot_be_a_record_is_refused_when_it_is_made() -> None:
    with pytest.raises(TypeError, match="without a default"):
        type(Record)("Odd", (Record,), {"__annotations__": {"a": "int", "b": "int"}, "a": 1})
    with pytest.raises(TypeError, match="no fields"):
        type(Record)("Empty", (Record,), {})
