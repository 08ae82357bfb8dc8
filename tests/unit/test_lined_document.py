"""The JSON document of one entry a line: plain JSON to everybody else, cheap to change for okstra."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from okstra_ctl.core import lined_document
from okstra_ctl.core.lined_document import DocumentError, Entry, LinedDocument

_SCHEMA, _SECTIONS = "thing/1", ("tasks", "stages")
_NASTY = st.sampled_from(
    [
        '": {',
        "},",
        "}\n}\n",
        '\n},\n"stages": {',
        "\\",
        '\\"',
        '"',
        "{",
        "}",
        "\n",
        "\r\n",
        "\u2028",
        "",
        "\0",
        "한글",
        "\udc80",
    ]
)
_TEXTS = st.lists(_NASTY | st.text(max_size=4), max_size=4).map("".join)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_ENTRIES = st.dictionaries(_TEXTS, _VALUES, max_size=4)
_SECTION = st.dictionaries(_TEXTS, _ENTRIES, max_size=4)
_CONTENTS = st.fixed_dictionaries(dict.fromkeys(_SECTIONS, _SECTION))
Contents = dict[str, dict[str, Entry]]

_PLAIN: Contents = {
    "tasks": {"p:g:1": {"path": "/a", "branch": "x"}, "p:g:2": {"path": "/b", "owner": {"pid": 1}}},
    "stages": {"p:g:1#stage-1": {"path": "/c"}, "p:g:1#stage-2": {"path": "/d", "owner": None}},
}


def _build(contents: Contents) -> LinedDocument:
    document = LinedDocument(_SCHEMA, _SECTIONS)
    for section, entries in contents.items():
        for key, entry in entries.items():
            document.put(section, key, entry)
    return document


def _parse(data: bytes) -> LinedDocument:
    return LinedDocument.parse(data, _SCHEMA, _SECTIONS)


def _contents(document: LinedDocument) -> Contents:
    return {section: dict(document.items(section)) for section in _SECTIONS}


def _pretty(contents: Contents, **options: object) -> bytes:
    return json.dumps({"schema": _SCHEMA, **contents}, **options).encode()  # type: ignore[arg-type]


def _keys(document: LinedDocument, section: str) -> list[str]:
    return [key for key, _ in document.items(section)]


@given(_CONTENTS)
@settings(max_examples=60)
def test_dump_and_parse_round_trip(contents: Contents) -> None:
    document = _parse(_build(contents).dump())
    assert _contents(document) == contents
    assert {name: _keys(document, name) for name in _SECTIONS} == {name: list(contents[name]) for name in _SECTIONS}
    assert document.dump() == _build(contents).dump()
    for section, entries in contents.items():
        for key, entry in entries.items():
            assert document.get(section, key) == entry


@given(_CONTENTS)
@settings(max_examples=60)
def test_lines_read_lazily_equal_the_whole_parse(contents: Contents) -> None:
    data = _build(contents).dump()
    assert json.loads(data) == {"schema": _SCHEMA, **contents}
    assert data.count(b"\n") == 2 + 2 * len(_SECTIONS) + sum(map(len, contents.values())), "one entry a line"


@given(_CONTENTS, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
@settings(max_examples=60)
def test_any_other_layout_of_the_same_json_is_read_the_same(
    contents: Contents, indent: int | str | None, ascii_only: bool
) -> None:
    data = json.dumps({"schema": _SCHEMA, **contents}, indent=indent, ensure_ascii=ascii_only)
    document = _parse(data.encode("utf-8", "backslashreplace"))
    assert _contents(document) == contents
    assert document.dump() == _build(contents).dump()


_OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "reload"]), st.sampled_from(_SECTIONS), _TEXTS, _ENTRIES), max_size=12
)


@given(_CONTENTS, _OPERATIONS)
@settings(max_examples=60)
def test_changes_do_what_they_do_to_a_dict(contents: Contents, operations: list[tuple[str, str, str, Entry]]) -> None:
    document = _build(contents)
    model = {section: dict(entries) for section, entries in contents.items()}
    for operation, section, name, entry in operations:
        known = sorted(model[section])
        key = known[len(name) % len(known)] if known and len(name) % 2 else name
        if operation == "put":
            document.put(section, key, entry)
            model[section][key] = entry
        elif operation == "remove":
            document.remove(section, key)
            model[section].pop(key, None)
        else:
            document = _parse(document.dump())
        assert document.get(section, key) == model[section].get(key)
        assert _keys(document, section) == list(model[section])
    assert _contents(_parse(document.dump())) == model


@given(_SECTION, _TEXTS, st.sampled_from(["path", "branch"]), _TEXTS)
@example({"k": {"path": "/\udc80", "branch": "feat-한글"}}, "k", "branch", "feat-한글")
def test_mentioning_finds_what_a_full_search_finds(section: dict[str, Entry], key: str, field: str, value: str) -> None:
    section = section | {key: section.get(key, {}) | {field: value}, f"{key}+": {"other": value}}
    document = _parse(_build({"tasks": section}).dump())
    found = dict(document.mentioning("tasks", field, value))
    assert found == {name: entry for name, entry in section.items() if entry.get(field) == value}


@given(_SECTION, _TEXTS)
def test_entries_whose_key_starts_so(section: dict[str, Entry], prefix: str) -> None:
    section = section | {prefix: {}, f"{prefix}#1": {}, f"x{prefix}": {}}
    document = _parse(_build({"tasks": section}).dump())
    expected = [(name, entry) for name, entry in section.items() if name.startswith(prefix)]
    assert list(document.starting("tasks", prefix)) == expected


@given(
    st.binary(max_size=60)
    | st.builds(bytes.__add__, st.just(b'{"schema": "thing/1",\n"tasks": {'), st.binary(max_size=40))
)
def test_garbage_is_a_document_error_and_nothing_else(data: bytes) -> None:
    try:
        document = _parse(data)
        _contents(document)
    except DocumentError:
        return
    assert json.loads(data)["schema"] == _SCHEMA


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=3))
def test_a_damaged_document_never_raises_anything_else(position: int, noise: bytes) -> None:
    data = _build(_PLAIN).dump()
    at = position % len(data)
    try:
        document = _parse(data[:at] + noise + data[at + len(noise) :])
        _contents(document)
        document.dump()
    except DocumentError:
        return


def test_cut_at_every_byte() -> None:
    data = _build(_PLAIN).dump()
    for size in range(len(data)):
        try:
            document = _parse(data[:size])
        except DocumentError:
            continue
        assert _contents(document) == _PLAIN, f"cut at {size}"


@pytest.mark.parametrize(
    ("data", "told"),
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
def test_the_error_says_what_is_wrong(data: bytes, told: str) -> None:
    with pytest.raises(DocumentError) as refused:
        _parse(data)
    assert told in str(refused.value)


def test_a_missing_section_is_empty() -> None:
    assert _contents(_parse(b'{"schema": "thing/1"}')) == {"tasks": {}, "stages": {}}


def test_a_damaged_entry_hurts_only_who_asks_for_it() -> None:
    data = _build(_PLAIN).dump().replace(b'"path": "/a"', b'"path": "/a')
    document = _parse(data)
    assert document.get("tasks", "p:g:2") == _PLAIN["tasks"]["p:g:2"]
    document.put("tasks", "p:g:3", {"path": "/e"})
    assert b'"path": "/a,' in document.dump(), "what can't be read is kept as it is"
    with pytest.raises(DocumentError, match=r"p:g:1.* is damaged"):
        document.get("tasks", "p:g:1")
    with pytest.raises(DocumentError):
        list(document.items("tasks"))


def test_a_change_touches_no_other_line() -> None:
    before = _build(_PLAIN).dump().splitlines()
    document = _parse(_build(_PLAIN).dump())
    document.put("tasks", "p:g:2", {"path": "/new"})
    after = document.dump().splitlines()
    assert [line for line in after if line not in before] == [b'"p:g:2": {"path": "/new"}']


_LINE = b'"p:g:2": {"path": "/b"'
HandEdit = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda data: data.replace(_LINE, b"  " + _LINE), id="an entry indented"),
        pytest.param(lambda data: data.replace(b'},\n"p:g:2"', b'}, "p:g:2"'), id="two entries on a line"),
        pytest.param(lambda data: data.replace(b'"p:g:2": {', b'"p:g:2":{'), id="no space after the colon"),
        pytest.param(lambda data: data.replace(_LINE, b"\n" + _LINE), id="an empty line"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param(lambda data: data.replace(b'"owner": {"pid"', b'"owner": {\n"pid"'), id="an entry on two lines"),
        pytest.param(lambda data: data.replace(b'},\n"p:g:2"', b'}\n,"p:g:2"'), id="comma first"),
        pytest.param(lambda data: data.replace(b"p:g:2", rb"p:g\u003a2"), id="a letter written as an escape"),
    ],
)
def test_a_hand_edit_loses_no_entry(edit: HandEdit) -> None:
    """Reading past an entry would give its worktree away a second time: it is found, or the document is refused."""
    data = edit(_build(_PLAIN).dump())
    assert json.loads(data) == {"schema": _SCHEMA, **_PLAIN}
    assert _parse(data).get("tasks", "p:g:2") == _PLAIN["tasks"]["p:g:2"]
    assert _parse(data).get("tasks", "p:g:1") == _PLAIN["tasks"]["p:g:1"]


_SCRAPS = [
    b'"',
    b'"a"',
    b'": {',
    b"{",
    b"}",
    b"},",
    b",",
    b"\n",
    b" ",
    b":",
    b"\\",
    b'"a": {"x": 1}',
    b'}, "c": {',
    b'},"d" : {',
]


_BODIES = st.builds(
    lambda scraps, framed: b'\n"k": {"o": {"p": 1}, "s": 2},\n"a": {' + scraps + b"}\n" if framed else scraps,
    st.lists(st.sampled_from(_SCRAPS), max_size=8).map(b"".join),
    st.booleans(),
)


@given(_BODIES)
def test_short_and_long_bodies_are_looked_at_alike(body: bytes) -> None:
    long = lined_document._looks_like_long_body(body, 0, len(body))
    assert lined_document._looks_like_body(body, 0, len(body)) is (body == b"\n" or long)


@pytest.mark.parametrize("owner", [False, True])
def test_a_long_document_reads_as_a_short_one(owner: bool) -> None:
    own = {"owner": {"pid": 7}, "path": "x" * 400} if owner else {"path": "x" * 400}
    entries: dict[str, Entry] = {f"k{number}": {**own, "n": number} for number in range(3000)}
    data = _build({"tasks": entries}).dump()
    assert len(data) > lined_document._SMALL
    document = _parse(data)
    assert dict(document.items("tasks")) == entries
    document.put("tasks", "k2999", {"n": 0})
    document.put("tasks", "new", {"n": 7})
    document.remove("tasks", "k0")
    assert dict(_parse(document.dump()).items("tasks")) == {
        **{key: entry for key, entry in entries.items() if key != "k0"},
        "k2999": {"n": 0},
        "new": {"n": 7},
    }
    two_on_a_line = data.replace(b"},\n", b"}, ", 1)
    assert dict(_parse(two_on_a_line).items("tasks")) == entries
    assert _parse(two_on_a_line).get("tasks", "k1") == entries["k1"]
