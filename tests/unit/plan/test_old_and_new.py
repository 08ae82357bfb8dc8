"""The checker of before and the one that takes its place, side by side; this file goes with the old one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.core.plan.check import check_plan as check_as_before
from okstra_ctl.core.plan.globs import intersect as intersect_as_before
from okstra_ctl.core.plan.globs import matches as matches_as_before
from okstra_ctl.core.plan_rules.globs import intersect, matches
from okstra_ctl.core.plan_rules.model import Finding
from okstra_ctl.core.plan_rules.rules import check_plan

HERE = Path(__file__).parent
TEXTS = [
    path.read_bytes().decode() for folder in ("plans", "examples") for path in sorted((HERE / folder).glob("*.md"))
]
STRUCTURE = {"S1", "S2"}
# Judged by simpler rules now: what a step is about, and which bare words of a mangled cell are paths.
BY_SIMPLER_RULES = {"S5", "S7", "S8", "S9", "S10"}


def _compare(text: str) -> None:
    before, now = check_as_before(text), check_plan(text)
    structure_before = {tuple(one) for one in before.findings if one.rule in STRUCTURE}
    structure_now = {tuple(one) for one in now.findings if one.rule in STRUCTURE}
    assert bool(structure_before) == bool(structure_now)
    if structure_before:
        assert structure_before & structure_now
        assert {one.rule for one in now.findings} <= STRUCTURE | {"S12"}
        return
    judged = [[one[:3] for one in check.findings if one.rule not in BY_SIMPLER_RULES] for check in (before, now)]
    assert judged[0] == judged[1]
    if before.stage_map and now.stage_map:
        stages = [[one._replace(files=()) for one in check.stage_map.stages] for check in (before, now)]
        assert stages[0] == stages[1]
        assert before.stage_map.digest == now.stage_map.digest


@pytest.mark.parametrize("text", TEXTS)
def test_the_corpus(text: str) -> None:
    _compare(text)
    before, now = check_as_before(text), check_plan(text)
    if not {one.rule for one in before.findings} & STRUCTURE:
        assert before == now


@given(
    st.sampled_from(TEXTS),
    st.floats(0, 1),
    st.integers(0, 40),
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(["|", "\n", "\n\n", "`", "```\n", "<!--", "1", "9", "- ", "    ", "\\", "src/**", "7"]),
    ),
)
@settings(max_examples=1500, deadline=None)
def test_a_plan_with_a_wound(text: str, place: float, cut: int, inserted: str) -> None:
    at = int(place * len(text))
    _compare(text[:at] + inserted + text[at + cut :])


numbers = st.one_of(st.integers(1, 5).map(str), st.sampled_from(["", "x", "0", "9", "2, 3", "1,2", "-", "none"]))
files = st.lists(
    st.sampled_from(
        ["`a.py`", "`src/**`", "`src/a.py`", "src/[ab]*.py", "`*.md`", "/x", "docs", "`**/t?.py`", ".git/x"]
    ),
    max_size=3,
).map(", ".join)
rows = st.tuples(st.sampled_from(["", "A", "B", "C"]), numbers, files, st.sampled_from(["1", "2", "", "x"]))


@given(st.lists(rows, min_size=1, max_size=6), st.permutations([1, 2, 3, 4, 5, 6]), st.booleans())
@settings(max_examples=800, deadline=None)
def test_a_plan_of_any_cells(drawn: list[tuple[str, str, str, str]], order: list[int], keep_order: bool) -> None:
    places = range(1, len(drawn) + 1) if keep_order else [n for n in order if n <= len(drawn)]
    table = "".join(
        f"| {n} | {title} | {needs} | {touched} | {steps} | `make` |\n"
        for n, (title, needs, touched, steps) in zip(places, drawn, strict=True)
    )
    sections = "".join(
        f"### 5.5.{n} Stage {n}\n\n1. Write a failing test in `t.py`.\n2. Run `make`.\n\n" for n in places
    )
    head = "## 5.5 Stage Map\n\n| Stage | Title | Depends on | Files | Steps | Exit check |\n|-|-|-|-|-|-|\n"
    before, now = check_as_before(f"{head}{table}\n{sections}"), check_plan(f"{head}{table}\n{sections}")
    # Of circles that share a stage another may be printed; of a clash, another line be named, where a stage needs a
    # later one.
    assert {one.rule for one in before.findings} == {one.rule for one in now.findings}
    assert _without(before.findings, "S3", "S9") == _without(now.findings, "S3", "S9")
    assert before.stage_map == now.stage_map


def _without(findings: tuple[Finding, ...], *rules: str) -> list[tuple[object, ...]]:
    return [tuple(one) for one in findings if one.rule not in rules]


names = st.lists(
    st.sampled_from(["a", "b", "x", "*", "?", "[ab]", "[!a]", "[a-x]", "[a", ".py", "x.md"]), min_size=1, max_size=4
)
segments = st.one_of(st.just("**"), st.just("src"), names.map("".join))
patterns = st.builds(
    lambda parts, end: "/".join(parts) + end, st.lists(segments, min_size=1, max_size=4), st.sampled_from(["", "/"])
)


@given(patterns, patterns)
@settings(max_examples=1500, deadline=None)
def test_patterns(one: str, other: str) -> None:
    assert intersect(one, other) == intersect_as_before(one, other)
    for path in ("a", "src/a.py", "src/ab/x.md", "b/a/x.md", other.replace("*", "a").strip("/")):
        assert matches(one, path) == matches_as_before(one, path)
