"""S8: what counts as a failing test before the code, and S7: what names a file or command."""

from __future__ import annotations

import pytest

from okstra_ctl.plan import structure
from okstra_ctl.plan.parse import read_document
from okstra_ctl.plan.rules import check_plan


def _rules(files: str, *steps: str, note: str = "") -> set[str]:
    listed = "".join(f"{number}. {step}\n" for number, step in enumerate(steps, 1))
    text = (
        "---\napproved: true\n---\n## 5.5 Stage Map\n\n"
        "| Stage | Title | Depends on | Files | Steps | Exit check |\n|-|-|-|-|-|-|\n"
        f"| 1 | T | | {files} | {len(steps)} | `make` |\n\n### 5.5.1 Stage 1: T\n\n{note}\n\n{listed}"
    )
    return {finding.rule for finding in check_plan(text).findings}


CODE = "Implement it in `src/a.py`."

GOOD_STEPS = [
    ["Write a failing test in `tests/test_a.py`.", CODE],
    ["Add tests for the empty cart (`tests/test_a.py`).", CODE],
    ["**Red**: `tests/test_a.py::test_empty` fails.", "**Green**: change `src/a.py`."],
    ["`tests/test_a.py`: cover the empty cart; run it, it fails.", CODE],
    ["Failing test first: `npm test` shows it red.", CODE],
    ["Describe the wished behaviour in `spec/cart_spec.rb`.", "Change `lib/cart.rb`."],
    ["Create `src/CartTest.java` with the empty cart.", "Change `src/Cart.java`."],
    ["Write a failing test in `tests/a.py`, then implement it in `src/a.py`.", "Run `pytest`."],
    ["Read `src/a.py`.", "Write a failing test in `tests/a.py`.", CODE],
    [
        "Run `pytest` for a baseline.",
        "Add a regression test, `tests/a.py`.",
        "Fix `src/a.py`.",
        "Commit with `git commit`.",
    ],
    ["Add `httpx` to `pyproject.toml`.", "Write a failing test in `tests/a.py`.", CODE],
    ["`tests/test_a.py`에 실패하는 테스트를 작성한다.", "`src/a.py`에 구현한다."],
    ["`pytest` 실행", "테스트 추가: `tests/a.py`", "`src/a.py` 수정"],
    ["Run `make migrate`."],
    ["Write a failing test for `total` in `src/a.py`.", CODE],
    ["Add a regression test for `total`.", CODE],
    ["RED: `pytest tests/test_a.py` fails.", "GREEN: write `src/a.py`."],
    ["Create the client with `make client`.", "Write failing tests in `tests/a.py`.", CODE],
    ["Make a branch with `git switch -c coupons`.", "Cover `total` with unit tests.", CODE],
    ["`src/a.py`에 대한 실패하는 테스트를 작성한다.", "`src/a.py` 수정"],
    ["Write the failing spec.\n\n   ```sh\n   npx jest src/a.spec.ts\n   ```", CODE],
]

BAD_STEPS = [
    [CODE, "Add a test in `tests/a.py`."],
    [CODE],
    ["Change `src/a.py`.", "Run `pytest`."],
    ["Read `src/a.py`.", "Support coupons in `src/a.py`.", "Write tests in `tests/a.py`."],
    ["Run `pytest`.", CODE],
    ["Make the failing test pass in `src/a.py`."],
    ["Fix the failing tests by a change of `src/a.py`."],
    ["Implement `load()`.", "Add tests in `tests/a.py`."],
    ["Implement `load()` until `pytest tests/a.py` ends with 0.", "Read `README.md`."],
    ["Add `load()` with tests in `src/a.py`."],
    ["Add the `--json` flag in `src/cli.py`.", "Run `pytest`."],
    ["Inspect and then rewrite `src/a.py`."],
    ["Add the latest contest in `src/a.py`."],
    ["In `src/a.py`, add what `tests/test_a.py` wants."],
    ["Change `README.md` and `src/a.py`."],
    ["`src/a.py`를 수정한다.", "`tests/a.py`에 테스트를 추가한다."],
]


@pytest.mark.parametrize("steps", GOOD_STEPS)
def test_s8_good(steps: list[str]) -> None:
    assert _rules("`src/**`", *steps) == set()


@pytest.mark.parametrize("steps", BAD_STEPS)
def test_s8_bad(steps: list[str]) -> None:
    assert _rules("`src/**`", *steps) == {"S8"}


@pytest.mark.parametrize(
    "files",
    [
        "`docs/**`",
        "README.md, CHANGELOG",
        "`tests/**`",
        "`src/a_test.go`",
        "`.github/workflows/ci.yml`",
        "`docs/a.md`, `test/a.bats`",
    ],
)
def test_s8_does_not_ask_stages_without_code(files: str) -> None:
    assert _rules(files, "Change `it`.", "Run `make`.") <= {"S13"}


@pytest.mark.parametrize(
    ("note", "rules"),
    [
        ("TDD exemption: a generated file", set()),
        ("**TDD exemption:** a generated file", set()),
        ("- _TDD exemption_: a generated file", set()),
        ("> TDD Exemption: a generated file", set()),
        ("Prose.\nTDD-exemption: a generated file\nMore.", set()),
        ("TDD exemption:", {"S8"}),
        ("TDD exemption: <reason>", {"S8"}),
        ("TDD exemption: none", {"S8"}),
        ("TDD exemption: **", {"S8"}),
        ("```\nTDD exemption: in a fence\n```", {"S8"}),
        ("<!-- TDD exemption: in a comment -->", {"S8"}),
        ("We need no TDD exemption: here.", {"S8"}),
    ],
)
def test_s8_exemption(note: str, rules: set[str]) -> None:
    assert _rules("`src/a.py`", CODE, note=note) == rules


def test_an_empty_exemption_is_no_mistake_when_a_test_comes_first() -> None:
    assert _rules("`src/a.py`", "Write a failing test in `tests/a.py`.", CODE, note="TDD exemption:") == set()


@pytest.mark.parametrize(
    "step",
    [
        "Change `total`.",
        "Change src/cart.py.",
        "Change cart.py (the total).",
        "Change ./cart",
        "Change (src/cart.py).",
        "Change .env, please",
        "Change the Makefile",
        "Run make test",
        "Do this:\n\n   ```sh\n   make\n   ```",
        "Do this:\n\n       make",
        "Change 소스/장바구니",
        "src/cart.py를 수정한다",
        "Do this:\n\n   ~~~\n   make\n   ~~~",
    ],
)
def test_s7_good(step: str) -> None:
    assert _rules("docs/a.md", step) == set()


@pytest.mark.parametrize(
    "step",
    [
        "Change the total.",
        "Run the tests.",
        "Make it work and/or better, e.g. faster.",
        "See https://example.org/page.html",
        "Add version 1.2 in 0.5s.",
        "Change it <!-- in `a.py` -->",
        "Do this:\n\n   ```\n   ```",
        "Go on...",
        "`` ` ``"[:2],
    ],
)
def test_s7_bad(step: str) -> None:
    assert _rules("docs/a.md", step) == {"S7"}


def steps_of(section: str, heading: str = "### 5.5.1 Stage 1: T") -> list[str]:
    (only,) = read_document(f"## 5.5 Stage Map\n\n{heading}\n\n{section}\n").sections
    return [step.text.strip() for step in only.steps]


@pytest.mark.parametrize(
    ("section", "steps"),
    [
        ("1. a\n2. b", "a b"),
        ("Prose.\n\n1. a\n2. b", "a b"),
        ("1. a\n2. b\n\nProse.\n\n3. c", "a b c"),
        ("1. a\n2. b\n\nProse.\n\n2. c", "a b c"),
        ("1. a\n2. b\n\nProse.\n\n1. x\n2. y", "a b"),
        ("1. a\n2. b\n\nProse.\n\n0. x\n\nProse.\n\n3. c", "a b c"),
        ("1. a\n\n```\ncode\n```\n\n1. b", "a b"),
    ],
)
def test_which_lists_of_a_section_hold_its_steps(section: str, steps: str) -> None:
    assert steps_of(section) == steps.split()


@pytest.mark.parametrize("heading", ["### 5.5.1 Stage 1", "### 5.5.1", "### 5.5.1 T", "### 5.5.1 - T", "### 5.5.1: T"])
def test_a_sections_heading_may_be_shorter(heading: str) -> None:
    assert steps_of("1. a", heading) == ["a"]


def test_of_a_step_4000_characters_are_read() -> None:
    begins, path = "Write a failing test in ", " checks/a.sh"
    step = begins + "x" * (4000 - len(begins) - len(path)) + path
    assert len(step) == 4000
    assert structure.tests_written_by(step + "ell") == ["checks/a.sh"]
    assert structure.tests_written_by("x" + step) == ["checks/a.s"]
