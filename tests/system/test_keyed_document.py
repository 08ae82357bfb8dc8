"""The JSON document of keyed entries: plain JSON, one entry a line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.system.text import DocumentError, Sections, dump, parse

_SCHEMA, _SECTIONS = "thing/1", ("tasks", "stages")
_TEXTS = st.text(max_size=6) | st.sampled_from(['": {', "},", "\\", '"', "\n", "\u2028", "", "\0", "한글", "\udc80"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_SECTION = st.dictionaries(_TEXTS, st.dictionaries(_TEXTS, _VALUES, max_size=4), max_size=4)
_CONTENTS = st.fixed_dictionaries(dict.fromkeys(_SECTIONS, _SECTION))

_PLAIN: Sections = {
    "tasks": {"p:g:1": {"path": "/a", "branch": "x"}, "p:g:2": {"path": "/b", "owner": {"pid": 1}}},
    "stages": {"p:g:1#stage-1": {"path": "/c"}, "p:g:1#stage-2": {"path": "/d", "owner": None}},
}


def _parse(data: bytes) -> Sections:
    return parse(data, _SCHEMA, _SECTIONS)


def _dump(contents: Sections) -> bytes:
    return dump(_SCHEMA, contents)


@given(_CONTENTS)
@settings(max_examples=60)
def test_dump_and_parse_round_trip_in_order(contents: Sections) -> None:
    again = _parse(_dump(contents))
    assert again == contents
    assert {name: list(again[name]) for name in _SECTIONS} == {name: list(contents[name]) for name in _SECTIONS}


@given(_CONTENTS)
@settings(max_examples=60)
def test_it_is_plain_json_of_one_entry_a_line(contents: Sections) -> None:
    data = _dump(contents)
    assert json.loads(data) == {"schema": _SCHEMA, **contents}
    assert data.count(b"\n") == 2 + 2 * len(_SECTIONS) + sum(map(len, contents.values()))


def test_the_layout_is_the_one_that_earlier_versions_wrote() -> None:
    assert _dump({"tasks": {"a": {"x": 1}, "b": {"y": "한"}}, "stages": {}}).decode() == (
        '{"schema": "thing/1",\n"tasks": {\n"a": {"x": 1},\n"b": {"y": "한"}\n},\n"stages": {\n}\n}\n'
    )


@given(_CONTENTS, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
@settings(max_examples=60)
def test_any_other_layout_of_the_same_json_is_read_the_same(
    contents: Sections, indent: int | str | None, ascii_only: bool
) -> None:
    data = json.dumps({"schema": _SCHEMA, **contents}, indent=indent, ensure_ascii=ascii_only)
    assert _parse(data.encode("utf-8", "backslashreplace")) == contents


@given(
    st.binary(max_size=60)
    | st.builds(bytes.__add__, st.just(b'{"schema": "thing/1",\n"tasks": {'), st.binary(max_size=40))
)
def test_garbage_is_a_document_error_and_nothing_else(data: bytes) -> None:
    try:
        _parse(data)
    except DocumentError:
        return
    assert json.loads(data)["schema"] == _SCHEMA


def test_cut_at_any_byte_it_is_refused_or_whole() -> None:
    data = _dump(_PLAIN)
    for size in range(len(data)):
        try:
            contents = _parse(data[:size])
        except DocumentError:
            continue
        assert contents == _PLAIN, f"cut at {size}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", "no schema"),
        (b"{}", "no schema"),
        (b'{"schema": 1}', "no schema"),
        (b'{"schema": "thing/2"}', "'thing/2'; this okstra reads 'thing/1'"),
        (b'{"schema": "thing/1", "tasks": []}', "'tasks' is not a map"),
        (b'{"schema": "thing/1", "tasks": {"a": 1}}', "'tasks' is not a map"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_the_error_names_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as refused:
        _parse(data)
    assert reason in str(refused.value)


def test_a_missing_section_is_empty() -> None:
    assert _parse(b'{"schema": "thing/1"}') == {"tasks": {}, "stages": {}}


def test_a_change_touches_no_other_line() -> None:
    before = _dump(_PLAIN).splitlines()
    after = _dump({**_PLAIN, "tasks": {**_PLAIN["tasks"], "p:g:2": {"path": "/new"}}}).splitlines()
    assert [line for line in after if line not in before] == [b'"p:g:2": {"path": "/new"}']


_LINE = b'"p:g:2": {"path": "/b"'


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda data: data.replace(_LINE, b"  " + _LINE), id="an entry indented"),
        pytest.param(lambda data: data.replace(b'},\n"p:g:2"', b'}, "p:g:2"'), id="two entries on a line"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param(lambda data: data.replace(b'"owner": {"pid"', b'"owner": {\n"pid"'), id="an entry on two lines"),
        pytest.param(lambda data: data.replace(b"p:g:2", rb"p:g\u003a2"), id="a letter written as an escape"),
    ],
)
def test_a_hand_edit_loses_no_entry(edit: Callable[[bytes], bytes]) -> None:
    """Reading past an entry would give its worktree away a second time."""
    data = edit(_dump(_PLAIN))
    assert data != _dump(_PLAIN)
    assert _parse(data) == _PLAIN
