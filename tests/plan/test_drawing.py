"""The stage graph of a page: where its boxes and lines stand, and what a box says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.plan.drawing import MEASURES, Box, picture, wrapped
from okstra_ctl.system.text import display_width

_GRAPH = {1: (), 2: (), 3: (1, 2), 4: (3,)}


def test_a_wave_is_a_column_and_lines_lead_from_box_to_box() -> None:
    made = picture(_GRAPH, {number: Box("t") for number in _GRAPH})
    assert made is not None
    places = made.layout.places
    assert [places[number][0] for number in _GRAPH] == [4, 4, 300, 596]
    assert places[1][1] < places[2][1]
    ends = {edge.path: edge.strong for edge in made.layout.edges}
    assert len(ends) == 3
    for path in ends:
        x1, y1, *_, x2, y2 = map(int, re.findall(r"-?\d+", path))
        starts = {(x + MEASURES.width, y + MEASURES.height // 2) for x, y in places.values()}
        assert (x1, y1) in starts
        assert (x2, y2) in {(x, y + MEASURES.height // 2) for x, y in places.values()}
    assert (made.layout.chain, sum(ends.values())) == ([1, 3, 4], 2)


def test_every_box_is_inside_the_picture() -> None:
    made = picture(_GRAPH, {number: Box("t") for number in _GRAPH})
    assert made is not None
    for x, y in made.layout.places.values():
        assert x + MEASURES.width <= made.layout.width
        assert y + MEASURES.height <= made.layout.height


@pytest.mark.parametrize("graph", [{1: (2,), 2: (1,)}, dict.fromkeys(range(1, 82), ())], ids=["circle", "many"])
def test_what_can_not_be_drawn_is_no_picture(graph: dict[int, tuple[int, ...]]) -> None:
    assert picture(graph, {number: Box("t") for number in graph}) is None


@given(st.text(st.sampled_from("ab 한국어\u202e\t\n"), max_size=80), st.integers(1, 2))
def test_a_title_fits_its_box(title: str, most: int) -> None:
    lines = wrapped(title, most)
    assert 1 <= len(lines) <= most
    assert all(display_width(line) <= 24 for line in lines)


def test_what_is_left_out_of_a_title_is_marked() -> None:
    assert wrapped("a short one", 2) == ["a short one"]
    assert wrapped("keeps the sessions of the web client alive", 2) == ["keeps the sessions of", "the web client alive"]
    assert wrapped("keeps the sessions of the web client", 1) == ["keeps the sessions of …"]
    assert wrapped("가" * 20, 1) == ["가" * 11 + "…"]
