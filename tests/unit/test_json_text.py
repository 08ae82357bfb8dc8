"""okstra's JSON is that of the standard library, letter for letter, whichever way it is read or written."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.core import json_text
from okstra_ctl.words.statuses import StageStatus
from support.sealed import ROOT


class _Pair(NamedTuple):
    first: int
    second: str


_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT
_KEYS = _TEXT | st.integers() | st.booleans() | st.none() | st.floats()
_VALUES = st.recursive(
    _LEAVES | st.just(StageStatus.READY) | st.builds(_Pair, st.integers(), _TEXT),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(_KEYS, inner),
    max_leaves=20,
)
_INDENTS = st.sampled_from([None, 2])


@given(_VALUES, _INDENTS)
def test_what_is_written_is_the_same(value: Any, indent: int | None) -> None:
    expected = json.dumps(value, ensure_ascii=False, indent=indent)
    assert json_text.dumps(value, indent=indent) == expected
    assert json_text.encode(value, indent=indent) == expected.encode("utf-8", "backslashreplace")


def _read(loads: Any, data: bytes | str) -> object:
    try:
        return repr(loads(data))  # a NaN is no equal of itself
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


@given(
    _VALUES, _INDENTS, st.text(" \t\n\r", max_size=3), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
)
def test_what_is_read_is_the_same(value: Any, indent: int | None, blank: str, encoding: str) -> None:
    text = blank + json.dumps(value, indent=indent) + blank
    assert _read(json_text.loads, text) == _read(json.loads, text)
    data = text.encode(encoding, "surrogatepass")
    assert _read(json_text.loads, data) == _read(json.loads, data)


_FRAGMENTS = st.lists(
    st.sampled_from(
        ['{"a"', ":", "1", "-", "0", "1e5", ".5", "[", "]", "}", ",", '"', "\\u12", "tru", "true", "NaN", " ", "\n"]
    )
    | st.text(max_size=2)
).map("".join)


@given(_FRAGMENTS)
def test_what_can_t_be_read_is_complained_of_in_the_same_words(text: str) -> None:
    assert _read(json_text.loads, text) == _read(json.loads, text)
    assert _read(json_text.loads, text.encode()) == _read(json.loads, text.encode())


@given(st.binary(max_size=12))
def test_bytes_that_are_no_text_too(data: bytes) -> None:
    assert _read(json_text.loads, data) == _read(json.loads, data)


@pytest.mark.parametrize("text", ["", "﻿{}", "{} x", '{"a": 1, "a": 2}', "-Infinity", "[" * 100_000, '"\t"', "1 2"])
def test_odd_texts(text: str) -> None:
    assert _read(json_text.loads, text) == _read(json.loads, text)


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, {(1, 2): 3}, [b"x"]])
@pytest.mark.parametrize("indent", [None, 2])
def test_what_has_no_form_in_json_is_refused(value: object, indent: int | None) -> None:
    with pytest.raises(TypeError) as theirs:
        json.dumps(value, indent=indent)
    with pytest.raises(TypeError) as ours:
        json_text.dumps(value, indent=indent)
    assert str(ours.value) == str(theirs.value)


def test_constants() -> None:
    assert math.isnan(json_text.loads("NaN"))
    assert json_text.loads("[Infinity, -Infinity]") == [math.inf, -math.inf]


def test_a_value_that_could_not_be_written_leaves_no_trace() -> None:
    inner: list[object] = [1]
    with pytest.raises(TypeError):
        json_text.dumps([inner, object()])
    assert json_text.dumps([inner, inner]) == "[[1], [1]]"


_FRESH = """
import sys
sys.path.insert(0, sys.argv[1])
from okstra_ctl.core.json_text import dumps, loads
assert loads('{"a": 1}') == {"a": 1} and dumps([None]) == "[null]" and "json" not in sys.modules
try:
    loads(sys.argv[2])
except ValueError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("text", ["{", '{"a" 1}', "", "x", '"\t"', "[1] 2", '{"a": 1e}'])
def test_where_nobody_has_imported_json_the_complaint_is_the_same(text: str) -> None:
    argv = [sys.executable, "-I", "-S", "-c", _FRESH, str(ROOT / "python"), text]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    with pytest.raises(json.JSONDecodeError) as theirs:
        json.loads(text)
    assert told.stdout.strip() == f"JSONDecodeError {theirs.value}", told
