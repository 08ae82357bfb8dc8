"""Whether a citation says what stands in a file: lines, white space, encodings, and what is near."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.results.evidence import Checked, check_citation, finding_status, read_text
from okstra_ctl.results.records import Evidence, EvidenceStatus
from okstra_ctl.status import HIDDEN_MARK

LINES = [f"line {number}: value_{number} = f({number})" for number in range(1, 101)]
FILE = "\n".join(LINES).encode() + b"\n"


def cite(quote: str, first: int = 0, last: int = 0) -> Evidence:
    return Evidence("a.py", first, last or first, quote, "", None)


def check(evidence: Evidence, data: bytes = FILE) -> Checked:
    text = read_text(data)
    assert text is not None
    return check_citation(evidence, text)


@pytest.mark.parametrize(
    ("evidence", "status", "found"),
    [
        (cite("value_10 = f(10)", 10), "verified", (10, 10)),
        (cite("value_10 = f(10)", 8, 12), "verified", (10, 10)),
        (cite("f(10) line 11: value_11", 10, 11), "verified", (10, 11)),
        (cite("value_10   =\tf(10)", 10), "verified", (10, 10)),
        (cite("value_10 = f(10)", 12), "moved", (10, 10)),
        (cite("value_10 = f(10)", 30), "moved", (10, 10)),
        (cite("value_10 = f(10)", 31), "not-found", (0, 0)),
        (cite("value_99 = f(99)"), "verified", (99, 99)),
        (cite("line 1: value_1"), "verified", (1, 1)),
        (cite("line 100: value_100"), "verified", (100, 100)),
        (cite("value_101"), "not-found", (0, 0)),
        (cite("value_10 = g(10)", 10), "not-found", (0, 0)),
        (cite("", 10), "unchecked", (0, 0)),
        (cite("", 101), "not-found", (0, 0)),
        (cite("value_10 = f(10)", 200), "not-found", (0, 0)),
    ],
)
def test_citations(evidence: Evidence, status: str, found: tuple[int, int]) -> None:
    checked = check(evidence)
    assert (checked.status, (checked.first, checked.last)) == (status, found)


@pytest.mark.parametrize("quote", [f"key = {HIDDEN_MARK}AWS Access Key]", f"value_10 = f(10) {HIDDEN_MARK}x]"])
@pytest.mark.parametrize("first", [0, 10])
def test_a_quotation_in_which_a_secret_was_hidden_is_neither_found_nor_missing(quote: str, first: int) -> None:
    checked = check(cite(quote, first))
    assert (checked.status, checked.note) == (EvidenceStatus.UNCHECKED, "a secret in the quotation was hidden")


@pytest.mark.parametrize(
    "data",
    [
        FILE.replace(b"\n", b"\r\n"),
        FILE.replace(b"\n", b"\r"),
        FILE.replace(b" = ", b"\t=\t"),
        b"\xef\xbb\xbf" + FILE,
        FILE.rstrip(b"\n"),
    ],
)
def test_line_ends_tabs_and_marks_make_no_difference(data: bytes) -> None:
    assert check(cite("value_10 = f(10)", 10), data).status is EvidenceStatus.VERIFIED


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "latin-1"])
def test_other_encodings_are_read(encoding: str) -> None:
    text = "café au lait" if encoding == "latin-1" else "값을 돌려준다"
    assert check(cite(text, 2), f"one\n{text}\n".encode(encoding)).status is EvidenceStatus.VERIFIED


def test_a_binary_file_has_no_text() -> None:
    assert read_text(b"\x7fELF\0\0") is None


def test_of_two_near_places_the_nearer_is_told() -> None:
    data = b"x = 1\n" + b"\n" * 8 + b"x = 1\n" + b"\n" * 10
    assert check(cite("x = 1", 8), data).first == 10


def test_one_citation_that_is_not_there_outweighs_those_that_are() -> None:
    words = [EvidenceStatus.VERIFIED, EvidenceStatus.MOVED, EvidenceStatus.NOT_FOUND, EvidenceStatus.UNCHECKED]
    checked = [Checked(cite("x"), word) for word in words]
    assert finding_status(checked) is EvidenceStatus.NOT_FOUND
    assert finding_status(checked[:2]) is EvidenceStatus.MOVED
    assert finding_status([checked[0], checked[3]]) is EvidenceStatus.VERIFIED
    assert finding_status([]) is EvidenceStatus.UNCHECKED


def test_a_contradicted_command_counts_only_where_nothing_else_is_cited() -> None:
    false = Checked(cite("x"), EvidenceStatus.CONTRADICTED)
    assert finding_status([false]) is EvidenceStatus.CONTRADICTED
    for other in set(EvidenceStatus) - {EvidenceStatus.CONTRADICTED}:
        assert finding_status([false, Checked(cite("y"), other)]) is other


PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7A3, exclude_categories=("Cc", "Cs")), max_size=30)


@given(st.lists(PLAIN, min_size=1, max_size=12), st.data())
def test_a_line_that_is_copied_is_verified(lines: list[str], data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(lines)))
    lines = [" ".join(line.split()) for line in lines]
    evidence = cite(lines[number - 1], number)
    checked = check(evidence, "\n".join([*lines, ""]).encode())
    if evidence.quote:
        assert (checked.status, checked.first) == (EvidenceStatus.VERIFIED, number)


@given(st.binary(max_size=200), st.text(max_size=20), st.integers(0, 5), st.integers(0, 5))
def test_nothing_upsets_the_check(data: bytes, quote: str, first: int, more: int) -> None:
    text = read_text(data)
    if text is not None:
        check_citation(cite(quote, first, first + more), text)
