"""What counts as a line of evidence, and that writing one out and reading it gives the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.results.records import Evidence
from okstra_ctl.results.worker import parse_evidence


@pytest.mark.parametrize(
    ("text", "path", "first", "last", "quote"),
    [
        ("src/a.py:41-44 `x = 1`", "src/a.py", 41, 44, "x = 1"),
        ("`src/a.py:41-44` `x = 1`", "src/a.py", 41, 44, "x = 1"),
        ("src/a.py:41–44", "src/a.py", 41, 44, ""),
        ("src/a.py:7", "src/a.py", 7, 7, ""),
        ("Makefile", "Makefile", 0, 0, ""),
        ("Makefile: `all: build`", "Makefile", 0, 0, "all: build"),
        ("docs/with space.md:3 `a b`", "docs/with space.md", 3, 3, "a b"),
        ("소스/파일.py:3 `값`", "소스/파일.py", 3, 3, "값"),
        ("a.md:1 `` a `tick` b ``", "a.md", 1, 1, "a `tick` b"),
    ],
)
def test_citations(text: str, path: str, first: int, last: int, quote: str) -> None:
    assert parse_evidence(text) == Evidence(path, first, last, quote, "", None)


@pytest.mark.parametrize(
    ("text", "command", "status"),
    [
        ("command `make test` exit 1", "make test", 1),
        ("command: `make test`, exit code 0", "make test", 0),
        ("command `sh -c 'a | b'` exit -9", "sh -c 'a | b'", -9),
    ],
)
def test_commands(text: str, command: str, status: int) -> None:
    assert parse_evidence(text) == Evidence("", 0, 0, "", command, status)


@pytest.mark.parametrize(
    "text", ["", "trust me", "command `make test`", "command make test exit 1", "src/a.py:9-3", "it is in the code"]
)
def test_what_is_no_evidence(text: str) -> None:
    assert parse_evidence(text) is None


NAMES = st.text(st.sampled_from("abcXYZ019._-값"), min_size=1, max_size=12).filter(lambda name: name.strip("._-"))


@given(
    st.lists(NAMES, min_size=1, max_size=3), st.integers(1, 9999), st.integers(0, 50), st.sampled_from(["", "x = f(y)"])
)
def test_a_citation_written_out_is_read_back(names: list[str], first: int, more: int, quote: str) -> None:
    given_line = Evidence("/".join(names), first, first + more, quote, "", None)
    assert parse_evidence(given_line.as_text()) == given_line


@given(st.text())
def test_no_text_upsets_the_reader(text: str) -> None:
    parse_evidence(text)
