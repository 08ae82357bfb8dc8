"""The stage graph as a picture and as Graphviz text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from okstra_ctl.plan.drawing import as_dot, as_svg
from okstra_ctl.plan.model import Stage, StageMap

_SVG = "{http://www.w3.org/2000/svg}"
_HOSTILE = [
    "</text><script>alert(1)</script>",
    "a & b < c > d",
    "\"quoted\" 'title'",
    "]]> <![CDATA[",
    "&#x0; &lt;",
    "esc \x1b[31m nul \0 bell \a",
    "\ufffe\uffff",
    "로그인 오류 🚀",
    "back\\slash \\",
    "x" * 500,
]


def _map(*titles: str, chain: bool = True) -> StageMap:
    stages = [
        Stage(n, title, (n - 1,) if chain and n > 1 else (), ("a",), "true", (), "", 1)
        for n, title in enumerate(titles, 1)
    ]
    return StageMap(tuple(stages), "d")


def _texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{_SVG}text")]


def test_one_box_a_stage_and_one_path_a_dependency() -> None:
    stages = tuple(Stage(n, f"Part {n}", needs, (), "", (), "", 1) for n, needs in ((1, ()), (2, ()), (3, (1, 2))))
    picture = ElementTree.fromstring(as_svg(StageMap(stages, "d")))
    assert len(list(picture.iter(f"{_SVG}rect"))) == 3
    widths = sorted(path.get("stroke-width", "") for path in picture.iter(f"{_SVG}path"))
    assert widths == ["1", "3"], "the critical path is bold"
    places = {(rect.get("x"), rect.get("y")) for rect in picture.iter(f"{_SVG}rect")}
    assert len(places) == 3


def test_what_must_wait_stands_further_right() -> None:
    picture = ElementTree.fromstring(as_svg(_map("a", "b", "c")))
    xs = [int(rect.get("x", "0")) for rect in picture.iter(f"{_SVG}rect")]
    assert xs == sorted(set(xs))


@pytest.mark.parametrize("title", _HOSTILE, ids=ascii)
def test_hostile_titles_stay_text(title: str) -> None:
    svg = as_svg(_map(title, "plain"))
    picture = ElementTree.fromstring(svg)
    assert {element.tag for element in picture.iter()} <= {
        _SVG + name for name in ("svg", "g", "title", "rect", "text", "path")
    }
    assert len(_texts(svg)) == 2


def test_a_title_is_shown_as_it_is_and_long_ones_are_cut() -> None:
    (full,) = ElementTree.fromstring(as_svg(_map("a & b < c"))).iter(f"{_SVG}title")
    assert full.text == "1  a & b < c"
    assert _texts(as_svg(_map("a & b < c"))) == ["1  a & b < c"]
    assert [len(text) for text in _texts(as_svg(_map("x" * 500)))] == [28]


def test_no_stage_is_an_empty_picture() -> None:
    assert list(ElementTree.fromstring(as_svg(StageMap((), "d"))).iter(f"{_SVG}rect")) == []


@pytest.mark.parametrize("title", [*_HOSTILE, "two\nlines"], ids=ascii)
def test_dot_quotes_hostile_titles(title: str) -> None:
    lines = as_dot(_map(title, "plain")).splitlines() if "\n" not in title else as_dot(_map(title)).split("\n")
    labels = [line for line in lines if "label=" in line]
    assert all(re.fullmatch(r'  \d+ \[label="(?:[^"\\]|\\.)*"\];', line) for line in labels)
    assert labels[0].count("label=") == 1


def test_dot_draws_the_critical_path_bold() -> None:
    stages = tuple(Stage(n, "t", needs, (), "", (), "", 1) for n, needs in ((1, ()), (2, ()), (3, (1, 2))))
    lines = as_dot(StageMap(stages, "d")).splitlines()
    assert lines[0] == "digraph stages {" and lines[-1] == "}"
    assert "  1 -> 3 [penwidth=2];" in lines and "  2 -> 3;" in lines
