"""Plans that nobody should write: never an exception, never a wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.plan.rules import PlanCheck, check_plan

GOOD = (Path(__file__).parent / "examples" / "good_plan.md").read_text(encoding="utf-8")
HEAD = "## 5.5 Stage Map\n\n| Stage | Title | Depends on | Files | Steps | Exit check |\n|---|---|---|---|---|---|\n"


def _sound(result: PlanCheck, text: str) -> None:
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= finding.line <= lines and finding.message.isprintable() for finding in result.findings)
    keys = [(finding.line, int(finding.rule[1:])) for finding in result.findings]
    assert keys == sorted(keys)
    errors = {finding.rule for finding in result.findings if finding.severity == "error"}
    assert (result.stage_map is None) == bool(errors)
    assert "S12" not in errors


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text(text: str) -> None:
    _sound(check_plan(text), text)
    _sound(check_plan(HEAD + text), HEAD + text)


@given(st.text(alphabet="|-5.Stage 1\n`#\t\r\x00\x1b*[]<>!\\,0", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_markdown(text: str) -> None:
    _sound(check_plan(HEAD + text), HEAD + text)


@given(
    st.integers(0, len(GOOD)),
    st.integers(0, 40),
    st.one_of(
        st.text(max_size=8), st.sampled_from(["|", "\n", "\n\n", "`", "```\n", "<!--", "1", "9", "- ", "    ", "\\"])
    ),
)
@settings(max_examples=500, deadline=None)
def test_a_good_plan_with_a_wound(place: int, cut: int, inserted: str) -> None:
    text = GOOD[:place] + inserted + GOOD[place + cut :]
    _sound(check_plan(text), text)


def test_cut_at_every_place() -> None:
    for place in range(0, len(GOOD), 7):
        _sound(check_plan(GOOD[:place]), GOOD[:place])


ROW = "| {n} | T{n} | {d} | {f} | 2 | `make t{n}` |\n"
SECTION = "### 5.5.{n} Stage {n}: T{n}\n\n1. Write a failing test in `tests/t{n}.py`.\n2. Change `src/{n}.py`.\n\n"


def _large(count: int, depends_on: Callable[[int], str], files: Callable[[int], str]) -> str:
    rows = "".join(ROW.format(n=n, d=depends_on(n), f=files(n)) for n in range(1, count + 1))
    return HEAD + rows + "\n" + "".join(SECTION.format(n=n) for n in range(1, count + 1))


def _before(n: int) -> str:
    return str(n - 1) if n > 1 else "(none)"


HOSTILE = {
    "quotations in quotations": ">" * 200_000,
    "lists in lists": "".join("  " * depth + "- a\n" for depth in range(500)),
    "lists on one line": "1. " * 100_000,
    "lists in quotations": "> 1. " * 50_000,
    "brackets": HEAD + "| 1 | " + "[" * 300_000 + " | |\n",
    "links": HEAD + "| 1 | " + "[a](" * 100_000 + " | |\n",
    "backticks": HEAD + "| 1 | " + "".join("`" * (size % 700) + "a" for size in range(2000)) + " | | a |\n",
    "comments": HEAD + "| 1 | " + "<!--" * 100_000 + " | <!-- | a |\n",
    "dashes": "| C-1 |\n" + "-" * 500_000 + "x\n",
    "spaces": "---\napproved: a" + " " * 500_000 + "b\n---\n",
    "open frontmatter": "---\n" + "a: b\n" * 100_000,
    "pipes": HEAD + "|" * 300_000 + "\n",
    "braces": HEAD + "| 1 | T | | " + "{a,b}" * 2_000 + " | |\n",
    "open braces": HEAD + "| 1 | T | | " + "{a," * 50_000 + " | |\n",
    "commas": HEAD + "| 1 | T | | " + "," * 300_000 + " | |\n",
    "a long step": HEAD + "\n### 5.5.1 Stage 1: T\n\n1. " + "write add test ` " * 20_000,
    "many steps": HEAD + "\n### 5.5.1 Stage 1: T\n\n" + "1. a\n" * 20_000,
    "many maps": HEAD * 500,
    "many sections": HEAD + "\n" + "### 5.5.1 Stage 1: T\n" * 5_000,
    "many bad rows": HEAD + "| x | T | 99 | /a | 0 | |\n" * 5_000,
    "zero bytes": GOOD.replace(" ", "\x00"),
    "many dependencies": HEAD + "| 1 | T | " + "9, " * 100_000 + " | | | |\n",
    "a circle of thousands": _large(2_000, lambda n: str(n % 2_000 + 1), lambda n: f"`src/{n}.py`"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_plans_end_soon(name: str) -> None:
    started = time.process_time()
    _sound(check_plan(HOSTILE[name]), HOSTILE[name])
    assert time.process_time() - started < 60  # processor time: an explosion takes hours


@pytest.mark.parametrize(
    ("depends_on", "files", "rules"),
    [
        (lambda n: "(none)", lambda n: f"`src/{n}.py`, `tests/t{n}.py`", set()),
        (_before, lambda n: "`src/app.py`", set()),
        (_before, lambda n: f"`src/{n % 50}/**/*.py`", set()),
        (lambda n: "(none)", lambda n: "`src/app.py`", {"S9"}),
        (lambda n: "(none)", lambda n: f"`*{n}*`", {"S9"}),
    ],
)
def test_two_thousand_stages_take_seconds(
    depends_on: Callable[[int], str], files: Callable[[int], str], rules: set[str]
) -> None:
    text = _large(2_000, depends_on, files)
    started = time.process_time()
    result = check_plan(text)
    assert time.process_time() - started < 60  # processor time: an explosion takes hours
    assert {finding.rule for finding in result.findings} - {"S12"} == rules


def test_two_hundred_stages_with_globs_are_compared() -> None:
    text = _large(200, lambda n: "(none)", lambda n: f"`src/**/m{n}_*.py`, `**/test_{n}.py`")
    assert {finding.rule for finding in check_plan(text).findings} == {"S12"}
