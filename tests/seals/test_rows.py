"""Rows of seals: each says which came before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.seals.rows import SEALED, Record, Seal, chain_faults, digest_of

TEXTS = st.text(max_size=20)
RECORDS = st.builds(Record, TEXTS, st.integers(0), TEXTS, st.booleans())
SEALS = st.builds(Seal, TEXTS, TEXTS, st.just(SEALED), TEXTS, TEXTS, st.lists(RECORDS, max_size=3).map(tuple), TEXTS)


@given(SEALS)
def test_a_row_is_read_as_it_was_written(seal: Seal) -> None:
    assert Seal.parse(seal.line()) == seal
    assert b"\n" not in seal.line()


def chain(seals: list[Seal]) -> list[bytes]:
    lines: list[bytes] = []
    for seal in seals:
        lines.append(seal._replace(previous=digest_of(lines[-1]) if lines else "").line())
    return lines


@given(st.lists(SEALS, min_size=3, max_size=6), st.data())
def test_a_whole_chain_has_no_fault_and_one_without_a_row_has_one(seals: list[Seal], data: st.DataObject) -> None:
    lines = chain(seals)
    assert list(chain_faults(lines)) == []
    gone = data.draw(st.integers(0, len(lines) - 2))
    assert [fault.line for fault in chain_faults(lines[:gone] + lines[gone + 1 :])] == [gone + 1]


@given(st.binary(max_size=60))
def test_any_line_is_a_row_or_a_fault(line: bytes) -> None:
    assert len(list(chain_faults([line.replace(b"\n", b"")]))) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("sha256", 1), ("path", None), ("size", "1"), ("size", True), ("size", 1.0), ("size", None), ("grows", "no")],
)
def test_a_record_of_another_type_is_no_row(field: str, value: object) -> None:
    sound = Seal("r", "t", "e", "o", "/", (Record("a", 1, "b"),), "")
    assert Seal.parse(sound.line()) == sound
    with pytest.raises(ValueError, match="another type"):
        Seal.parse(sound._replace(records=(Record("a", 1, "b")._replace(**{field: value}),)).line())  # type: ignore[arg-type]
